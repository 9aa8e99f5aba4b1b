"""What became of an upload, a dry run or an undo: a heading, a sentence, and the numbers of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from jobs.models import Job
from jobs.pages.tags import number
from jobs.states import State

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


@dataclass(frozen=True)
class Outcome:
    """The notice at the top: `tone` is its class."""

    tone: str
    heading: str
    text: str = ""


@dataclass(frozen=True)
class Count:
    """A number of rows, and what they are. `tone` is a class."""

    label: _StrOrPromise
    rows: int
    tone: str = ""


def outcome_of(job: Job, members: Mapping[str, Any]) -> Outcome | None:
    """None while it is active, and if it failed: then the failure says why."""
    if job.state == State.CANCELLED:
        return Outcome("", _canceled(job), gettext("Nothing was written."))
    if job.state != State.SUCCEEDED:
        return None
    if job.payload.get("undoes"):
        return _of_undo(members)
    failed, changed = members.get("rowsFailed", 0), changed_rows(members)
    if job.payload["dryRun"]:
        return _of_check(failed, changed, members)
    if not failed and not changed:
        return Outcome("good", gettext("Nothing had to be changed"), _all_known(members))
    if failed:
        heading = ngettext("%(rows)s row was rejected", "%(rows)s rows were rejected", failed) % _rows(failed)
        text = ngettext("The other row is in.", "The other %(rows)s rows are in.", members["rowsSucceeded"])
        return Outcome("wait", heading, text % _rows(members["rowsSucceeded"]) if members["rowsSucceeded"] else "")
    heading = gettext("The file is in")
    text = ngettext("%(rows)s row was written.", "%(rows)s rows were written.", changed) % _rows(changed)
    return Outcome("good", heading, text)


def counts_of(job: Job, members: Mapping[str, Any]) -> Sequence[Count]:
    """The numbers of rows, which add up to the rows of the file; none before they are known."""
    if job.payload.get("undoes"):
        if "rowsReversed" not in members:
            return ()
        return (
            Count(_("Restored"), members.get("rowsRestored", 0)),
            Count(_("Deleted"), members.get("rowsDeleted", 0)),
            Count(_("Kept"), members.get("rowsKept", 0), "wait" if members.get("rowsKept") else ""),
        )
    if "rowsFailed" not in members:
        return ()
    return (
        Count(_("New"), members["rowsInserted"]),
        Count(_("Changed"), members["rowsUpdated"]),
        Count(_("Unchanged"), members["rowsUnchanged"]),
        Count(_("Rejected"), members["rowsFailed"], "bad" if members["rowsFailed"] else ""),
        *([Count(_("Blank"), members["rowsBlank"])] if members["rowsBlank"] else []),
    )


def changed_rows(members: Mapping[str, Any]) -> int:
    """The rows that the upload writes, or a dry run would."""
    return int(members.get("rowsInserted", 0) + members.get("rowsUpdated", 0))


def _of_check(failed: int, changed: int, members: Mapping[str, Any]) -> Outcome:
    if failed:
        heading = ngettext("%(rows)s row has errors", "%(rows)s rows have errors", failed) % _rows(failed)
        return Outcome("wait", heading, gettext("This was only a check: nothing has been written yet."))
    if not changed:
        return Outcome("good", gettext("Nothing would change"), _all_known(members))
    heading = ngettext("%(rows)s row is ready to be written", "%(rows)s rows are ready to be written", changed)
    return Outcome("good", heading % _rows(changed), gettext("This was only a check: nothing has been written yet."))


def _of_undo(members: Mapping[str, Any]) -> Outcome:
    if kept := members.get("rowsKept", 0):
        text = ngettext("%(rows)s row was kept as it is.", "%(rows)s rows were kept as they are.", kept) % _rows(kept)
        return Outcome("wait", gettext("The upload was undone in part"), text)
    return Outcome("good", gettext("The upload was undone"))


def _all_known(members: Mapping[str, Any]) -> str:
    unchanged = members.get("rowsUnchanged", 0)
    return ngettext(
        "The table already has the row of the file.", "The table already has all %(rows)s rows of the file.", unchanged
    ) % _rows(unchanged)


def _canceled(job: Job) -> str:
    if job.payload.get("undoes"):
        return gettext("The undo was canceled")
    return gettext("The check was canceled") if job.payload["dryRun"] else gettext("The upload was canceled")


def _rows(count: int) -> dict[str, str]:
    return {"rows": number(count)}
