"""Why an upload failed, and what its owner can do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from jobs.localization import translated
from jobs.pages.detail_wording import ShownInFull
from uploads.row_codes import ROW_CODES

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

#: The file is read in a wrong way: the form to change that is open.
READING: Final = frozenset(
    {
        "unknown-encoding", "encoding-ambiguous", "unknown-delimiter", "unknown-headings", "unterminated-quote",
        "record-too-long", "too-many-columns",
    }
)  # fmt: skip
#: The headings of the file do not fit: they can be matched by hand.
HEADINGS: Final = frozenset({"unknown-headings", "missing-column", "duplicate-column"})


#: What the API says if an upload cannot be tried again (`jobs.api.resources.resource`): pages translate it.
NOT_RETRYABLE: Final = (
    gettext_noop("This upload type no longer exists, or you may no longer order it."),
    gettext_noop("Its parameters are no longer valid. Order a new upload with other parameters."),
)


@dataclass(frozen=True)
class Failure:
    """`advice` says what to do. `may_retry`: the same job can be tried again."""

    heading: _StrOrPromise
    detail: str
    advice: _StrOrPromise
    code: str
    may_retry: bool

    @property
    def is_about_reading(self) -> bool:
        """Whether another encoding or delimiter may help."""
        return self.code in READING

    @property
    def is_about_headings(self) -> bool:
        """Whether another match of the headings may help."""
        return self.code in HEADINGS


def failure_of(shown: ShownInFull) -> Failure | None:
    """None unless it failed."""
    if shown.failure is None:
        return None
    error = shown.failure["error"]
    code, detail = error["code"], translated(error["detail"])
    if code == "rows-rejected":
        advice = _("Mend the rejected rows and upload all rows together, or write the good rows now.")
        return Failure(_("Nothing was written"), detail, advice, code, may_retry=False)
    if code in ROW_CODES:
        known = ROW_CODES[code]
        return Failure(known.title, detail, known.cure, code, may_retry=False)
    remedy = shown.remedy.advice if shown.remedy else ""
    return Failure(_("The upload failed"), detail, remedy, code, may_retry=bool(shown.failure["retryable"]))
