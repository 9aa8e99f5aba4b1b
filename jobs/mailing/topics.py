"""What mails are about. Each topic has a preference of the user."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _

#: The kind of a mail, and its queue.
MAIL: Final = "mail"


class Topic(StrEnum):
    """Why a mail is sent; the type of its job."""

    COMPLETE = "complete"
    FAILED = "failed"
    SCHEDULE_PAUSED = "schedule-paused"
    EXPIRING = "expiring"

    @property
    def preference(self) -> str:
        """The field of `jobs.models.Preferences` that switches these mails on."""
        return f"mail_{self.replace('-', '_')}"


#: The end of a sentence that begins "Longhaul sends you a mail".
OCCASIONS: Final = {
    Topic.COMPLETE: _("when a report or an upload is complete"),
    Topic.FAILED: _("when a report or an upload has failed"),
    Topic.SCHEDULE_PAUSED: _("when a schedule was paused after failures"),
    Topic.EXPIRING: _("a day before a file that you have not downloaded expires"),
}


def mail_is_on() -> bool:
    """Whether the server can send mail. If not, no mail is queued, and pages need not offer it."""
    return bool(settings.MAIL_IS_ON)
