"""What the pages say about the jobs of each kind: whole sentences, because a noun put into one does not translate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy, npgettext_lazy

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


@dataclass(frozen=True)
class KindWords:
    """The sentences about one kind. Those with a number are formatted with `% {"count": number}`.

    The labels of buttons for several jobs have a context. Without it, gettext takes that for one job and the same label
    elsewhere for one text, and languages without a singular show the number, or its placeholder, in both places.
    """

    title: _StrOrPromise
    #: What one job is called, as a label of its own.
    noun: _StrOrPromise
    order: _StrOrPromise
    #: Empty if a job of this kind cannot be ordered again.
    again: _StrOrPromise
    none_yet: _StrOrPromise
    none_yet_hint: _StrOrPromise
    no_match: _StrOrPromise
    no_older: _StrOrPromise
    filter: _StrOrPromise
    all_active: _StrOrPromise
    all_failed: _StrOrPromise
    all_complete: _StrOrPromise
    ask: dict[str, _StrOrPromise]
    #: With a context: a language without plural has the number in the only text, which is also that of “Try again”.
    confirm: dict[str, _StrOrPromise]
    done: dict[str, _StrOrPromise]
    nothing_selected: _StrOrPromise


OF_KIND: Final = {
    "report": KindWords(
        title=_("Reports"),
        noun=_("Report"),
        order=_("Order a report"),
        again=_("Order again"),
        none_yet=_("You have not ordered a report yet."),
        none_yet_hint=_(
            "Order one, then download the file here when it is complete. You can leave this page in the meantime."
        ),
        no_match=_("No report matches these filters."),
        no_older=_("There are no older reports."),
        filter=_("Filter reports"),
        all_active=_("All active reports"),
        all_failed=_("All failed reports"),
        all_complete=_("All complete reports"),
        ask={
            "cancel": ngettext_lazy("Cancel this report?", "Cancel these %(count)d reports?", "count"),
            "retry": ngettext_lazy("Try this report again?", "Try these %(count)d reports again?", "count"),
            "delete": ngettext_lazy("Delete this report?", "Delete these %(count)d reports?", "count"),
        },
        confirm={
            "cancel": npgettext_lazy("reports", "Cancel the report", "Cancel %(count)d reports", "count"),
            "retry": npgettext_lazy("reports", "Try again", "Try %(count)d reports again", "count"),
            "delete": npgettext_lazy("reports", "Delete permanently", "Delete %(count)d reports permanently", "count"),
        },
        done={
            "cancel": ngettext_lazy("%(count)d report was canceled.", "%(count)d reports were canceled.", "count"),
            "retry": ngettext_lazy("%(count)d report is queued again.", "%(count)d reports are queued again.", "count"),
            "delete": ngettext_lazy("%(count)d report was deleted.", "%(count)d reports were deleted.", "count"),
        },
        nothing_selected=_("No report was selected. Tick the boxes of some reports first."),
    ),
    "upload": KindWords(
        title=_("Uploads"),
        noun=_("Upload"),
        order=_("Upload a file"),
        again="",
        none_yet=_("You have not uploaded a file yet."),
        none_yet_hint=_("Upload a CSV file. Here you see how far it is, and which rows were rejected and why."),
        no_match=_("No upload matches these filters."),
        no_older=_("There are no older uploads."),
        filter=_("Filter uploads"),
        all_active=_("All active uploads"),
        all_failed=_("All failed uploads"),
        all_complete=_("All complete uploads"),
        ask={
            "cancel": ngettext_lazy("Cancel this upload?", "Cancel these %(count)d uploads?", "count"),
            "retry": ngettext_lazy("Try this upload again?", "Try these %(count)d uploads again?", "count"),
            "delete": ngettext_lazy("Delete this upload?", "Delete these %(count)d uploads?", "count"),
        },
        confirm={
            "cancel": npgettext_lazy("uploads", "Cancel the upload", "Cancel %(count)d uploads", "count"),
            "retry": npgettext_lazy("uploads", "Try again", "Try %(count)d uploads again", "count"),
            "delete": npgettext_lazy("uploads", "Delete permanently", "Delete %(count)d uploads permanently", "count"),
        },
        done={
            "cancel": ngettext_lazy("%(count)d upload was canceled.", "%(count)d uploads were canceled.", "count"),
            "retry": ngettext_lazy("%(count)d upload is queued again.", "%(count)d uploads are queued again.", "count"),
            "delete": ngettext_lazy("%(count)d upload was deleted.", "%(count)d uploads were deleted.", "count"),
        },
        nothing_selected=_("No upload was selected. Tick the boxes of some uploads first."),
    ),
}
#: For kinds that other apps add.
OF_OTHERS: Final = KindWords(
    title=_("Jobs"),
    noun=_("Job"),
    order=_("Order a job"),
    again=_("Order again"),
    none_yet=_("You have not ordered a job yet."),
    none_yet_hint=_("Order one. You can leave this page in the meantime."),
    no_match=_("No job matches these filters."),
    no_older=_("There are no older jobs."),
    filter=_("Filter jobs"),
    all_active=_("All active jobs"),
    all_failed=_("All failed jobs"),
    all_complete=_("All complete jobs"),
    ask={
        "cancel": ngettext_lazy("Cancel this job?", "Cancel these %(count)d jobs?", "count"),
        "retry": ngettext_lazy("Try this job again?", "Try these %(count)d jobs again?", "count"),
        "delete": ngettext_lazy("Delete this job?", "Delete these %(count)d jobs?", "count"),
    },
    confirm={
        "cancel": npgettext_lazy("jobs", "Cancel the job", "Cancel %(count)d jobs", "count"),
        "retry": npgettext_lazy("jobs", "Try again", "Try %(count)d jobs again", "count"),
        "delete": npgettext_lazy("jobs", "Delete permanently", "Delete %(count)d jobs permanently", "count"),
    },
    done={
        "cancel": ngettext_lazy("%(count)d job was canceled.", "%(count)d jobs were canceled.", "count"),
        "retry": ngettext_lazy("%(count)d job is queued again.", "%(count)d jobs are queued again.", "count"),
        "delete": ngettext_lazy("%(count)d job was deleted.", "%(count)d jobs were deleted.", "count"),
    },
    nothing_selected=_("No job was selected. Tick the boxes of some jobs first."),
)


def words_of(kind: str) -> KindWords:
    """The sentences about a kind."""
    return OF_KIND.get(kind, OF_OTHERS)
