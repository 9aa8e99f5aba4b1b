"""What the pages say about reports."""

from typing import Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext_lazy

from jobs.pages.words import ActionWords, KindWords

WORDS: Final = KindWords(
    title=_("Reports"),
    noun=_("Report"),
    order=_("Order a report"),
    all_types=_("All report types"),
    search=_("Search report types"),
    no_type_allowed=_("Your account cannot order any reports. Ask an administrator for permission."),
    no_type_found=_("No report type matches this search."),
    refused=_("The report was not ordered"),
    equal=_("You already have this report"),
    equal_hint=_("You ordered a report with the same parameters, columns and file format a short time ago."),
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
    nothing_selected=_("No report was selected. Tick the boxes of some reports first."),
    cancel_selected=ActionWords(
        ask=ngettext_lazy("Cancel this report?", "Cancel these %(count)d reports?", "count"),
        confirm=ngettext_lazy("Cancel this report", "Cancel %(count)d reports", "count"),
        done=ngettext_lazy("%(count)d report was canceled.", "%(count)d reports were canceled.", "count"),
    ),
    retry_selected=ActionWords(
        ask=ngettext_lazy("Try this report again?", "Try these %(count)d reports again?", "count"),
        confirm=ngettext_lazy("Try this report again", "Try %(count)d reports again", "count"),
        done=ngettext_lazy("%(count)d report is queued again.", "%(count)d reports are queued again.", "count"),
    ),
    delete_selected=ActionWords(
        ask=ngettext_lazy("Delete this report?", "Delete these %(count)d reports?", "count"),
        confirm=ngettext_lazy("Delete this report permanently", "Delete %(count)d reports permanently", "count"),
        done=ngettext_lazy("%(count)d report was deleted.", "%(count)d reports were deleted.", "count"),
    ),
    all=_("All reports"),
    again_this=_("Order this report again"),
    cancel=_("Cancel the report"),
    delete=_("Delete the report…"),
    deletes_order=_("This permanently deletes the report."),
    deletes_file=_("This permanently deletes the report and its file."),
    not_canceled=_("The report had already ended. Nothing was deleted."),
    not_deleted=_("The report has been started again. Cancel it first."),
)

#: What the API says if a report cannot be tried again (`jobs.api.resources.resource`): pages translate it.
NOT_RETRYABLE: Final = (
    gettext_noop("This report type no longer exists, or you may no longer order it."),
    gettext_noop("Its parameters are no longer valid. Order a new report with other parameters."),
    gettext_noop("Its secret parameters can no longer be decrypted. Order it again."),
)

#: Why a report was put off (`reports.source`).
WAITING_FOR: Final = (
    gettext_noop("Waiting for the replica: the replica does not answer."),
    gettext_noop("Waiting for the replica: the replica is out of service."),
    gettext_noop("Waiting for the replica: the lag of the replica is unknown."),
)
