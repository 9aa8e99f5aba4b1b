"""What mails are about, and what switches them off: a preference of the user, or the choice for a schedule."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from uuid import UUID

    from django.utils.functional import _StrPromise

#: The kind of a mail, and its queue.
MAIL: Final = "mail"


class Topic(StrEnum):
    """Why a mail is sent; the type of its job."""

    COMPLETE = "complete"
    FAILED = "failed"
    SCHEDULE_PAUSED = "schedule-paused"
    EXPIRING = "expiring"
    RUN_COMPLETE = "run-complete"
    RUN_FAILED = "run-failed"
    PASSWORD_RESET = "password-reset"  # noqa: S105

    @property
    def preference(self) -> str:
        """The field of `jobs.models.Preferences` that switches these mails on.

        Mails about runs of schedules, and those with which a user chooses a new password, have none.
        """
        return f"mail_{self.replace('-', '_')}"


#: The owner of a schedule chooses these mails for each schedule.
RUN_TOPICS: Final = frozenset({Topic.RUN_COMPLETE, Topic.RUN_FAILED})
#: The end of a sentence that begins "Longhaul sends you a mail".
OCCASIONS: Final = {
    Topic.COMPLETE: _("when a report or an upload is complete"),
    Topic.FAILED: _("when a report or an upload has failed"),
    Topic.SCHEDULE_PAUSED: _("when a schedule was paused after failures"),
    Topic.EXPIRING: _("a day before a file that you have not downloaded expires"),
}
OF_ONE_SCHEDULE: Final = _("about runs of this schedule, as you have chosen for it")
OF_ALL_SCHEDULES: Final = _("about runs of your schedules, as you have chosen for each of them")


def occasion_of(topic: Topic, schedule_id: UUID | None) -> _StrPromise:
    """The end of the sentence for a topic, or for the mails of one schedule; a digest is about all of them."""
    if topic in RUN_TOPICS:
        return OF_ALL_SCHEDULES if schedule_id is None else OF_ONE_SCHEDULE
    return OCCASIONS[topic]


def mail_is_on() -> bool:
    """Whether the server can send mail. If not, no mail is queued, and pages need not offer it."""
    return bool(settings.MAIL_IS_ON)
