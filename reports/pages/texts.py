"""The texts of a report's page that name it."""

from typing import Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from jobs.pages.texts import KindTexts

TEXTS: Final = KindTexts(
    all=_("All reports"),
    again=_("Order this report again"),
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
