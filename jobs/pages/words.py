"""What the pages say about the jobs of one kind: whole sentences, because a noun put into one does not translate."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


class ActionWords(NamedTuple):
    """The sentences about an action on selected jobs. They are formatted with `% {"count": number}`."""

    ask: _StrOrPromise
    confirm: _StrOrPromise
    done: _StrOrPromise


class KindWords(NamedTuple):
    """The defaults fit every kind. A kind has its own in `words.py` of its pages, and gives them to its `JobPages`."""

    title: _StrOrPromise = _("Jobs")
    #: What one job is called, as a label of its own.
    noun: _StrOrPromise = _("Job")

    # The catalogue of types, and the order form

    order: _StrOrPromise = _("Order a job")
    all_types: _StrOrPromise = _("All types")
    search: _StrOrPromise = _("Search types")
    no_type_allowed: _StrOrPromise = _("Your account cannot order anything here. Ask an administrator for permission.")
    no_type_found: _StrOrPromise = _("No type matches this search.")
    refused: _StrOrPromise = _("Nothing was ordered")
    equal: _StrOrPromise = _("You already have an equal job")
    equal_hint: _StrOrPromise = _("You placed the same order a short time ago.")

    # The list, and the start page

    again: _StrOrPromise = _("Order again")
    none_yet: _StrOrPromise = _("You have not ordered a job yet.")
    none_yet_hint: _StrOrPromise = _("Order one. You can leave this page in the meantime.")
    no_match: _StrOrPromise = _("No job matches these filters.")
    no_older: _StrOrPromise = _("There are no older jobs.")
    filter: _StrOrPromise = _("Filter jobs")
    all_active: _StrOrPromise = _("All active jobs")
    all_failed: _StrOrPromise = _("All failed jobs")
    all_complete: _StrOrPromise = _("All complete jobs")

    # Selected jobs of the list

    nothing_selected: _StrOrPromise = _("No job was selected. Tick the boxes of some jobs first.")
    cancel_selected: ActionWords = ActionWords(
        ask=ngettext_lazy("Cancel this job?", "Cancel these %(count)d jobs?", "count"),
        confirm=ngettext_lazy("Cancel this job", "Cancel %(count)d jobs", "count"),
        done=ngettext_lazy("%(count)d job was canceled.", "%(count)d jobs were canceled.", "count"),
    )
    retry_selected: ActionWords = ActionWords(
        ask=ngettext_lazy("Try this job again?", "Try these %(count)d jobs again?", "count"),
        confirm=ngettext_lazy("Try this job again", "Try %(count)d jobs again", "count"),
        done=ngettext_lazy("%(count)d job is queued again.", "%(count)d jobs are queued again.", "count"),
    )
    delete_selected: ActionWords = ActionWords(
        ask=ngettext_lazy("Delete this job?", "Delete these %(count)d jobs?", "count"),
        confirm=ngettext_lazy("Delete this job permanently", "Delete %(count)d jobs permanently", "count"),
        done=ngettext_lazy("%(count)d job was deleted.", "%(count)d jobs were deleted.", "count"),
    )

    # Progress, where jobs count something

    so_far: _StrOrPromise = _("Rows so far")
    #: Empty: no rate is shown.
    per_second: _StrOrPromise = _("Rows per second")
    starting: _StrOrPromise = _("It is running. The first rows have not arrived yet.")
    working: _StrOrPromise = _("It is running, and rows are arriving.")
    #: Formatted with `count`, and it as text: `number`, `done` or, with the `time` that it took, `rows`.
    counted: _StrOrPromise = ngettext_lazy("%(number)s row", "%(number)s rows", "count")
    done: _StrOrPromise = ngettext_lazy("%(done)s row so far", "%(done)s rows so far", "count")
    done_of_total: _StrOrPromise = _("%(done)s of about %(total)s rows")
    finished: _StrOrPromise = ngettext_lazy(
        "It was finished after %(time)s, with %(rows)s row.",
        "It was finished after %(time)s, with %(rows)s rows.",
        "count",
    )

    # The page of one job

    all: _StrOrPromise = _("All of them")
    again_this: _StrOrPromise = _("Order again")
    cancel: _StrOrPromise = _("Cancel")
    delete: _StrOrPromise = _("Delete…")
    deletes_order: _StrOrPromise = _("This permanently deletes the order.")
    deletes_file: _StrOrPromise = _("This permanently deletes the order and its file.")
    not_canceled: _StrOrPromise = _("It had already ended. Nothing was deleted.")
    not_deleted: _StrOrPromise = _("It has been started again. Cancel it first.")

    def of_action(self, action: str) -> ActionWords:
        """The sentences about `cancel`, `retry` or `delete`."""
        return {"cancel": self.cancel_selected, "retry": self.retry_selected, "delete": self.delete_selected}[action]
