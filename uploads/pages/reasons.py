"""The errors of an upload, grouped by reason, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy as _

from uploads.row_codes import ROW_CODES

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

#: So many groups are shown, and so many samples of each.
MOST_GROUPS: Final = 20
MOST_SAMPLES: Final = 3

#: Why an undo keeps a row → sentence. docs/uploads.md has what to do.
_KEPT: Final[Mapping[str, _StrOrPromise]] = {
    "changed-since": _("Somebody has changed the row since the upload."),
    "gone": _("The row was deleted since."),
    "not-found": _("You may no longer change the row."),
    "key-taken": _("An old value must be unique, and another row has it now."),
    "referenced": _("Another row refers to the new row, so it is not deleted."),
    "refused": _("A constraint of the table does not allow the old values."),
}


@dataclass(frozen=True)
class Reason:
    """All errors of one code in one column. `samples` are members of `errorsPreview`."""

    title: _StrOrPromise
    cure: _StrOrPromise
    column: str
    count: int
    samples: Sequence[Mapping[str, Any]]


def reasons_of(members: Mapping[str, Any]) -> Iterator[Reason]:
    """The largest groups, with their first errors. `members` are those of the status, where secrets are hidden."""
    preview = members.get("errorsPreview", ())
    for group in members.get("errorGroups", ())[:MOST_GROUPS]:
        code, column = group["code"], group["column"]
        of_group = [one for one in preview if (one["code"], one["column"]) == (code, column)]
        known = ROW_CODES.get(code)
        yield Reason(
            known.title if known else code,
            known.cure if known else "",
            column or "",
            group["count"],
            of_group[:MOST_SAMPLES],
        )


def kept_reasons(members: Mapping[str, Any]) -> list[tuple[_StrOrPromise, int]]:
    """Why an undo has kept rows, and how many for each reason."""
    return [(_KEPT.get(one["code"], one["code"]), one["count"]) for one in members.get("keptGroups", ())]
