"""The kind `mail`: each job is one mail, and each attempt is one try to hand it to the mail server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Subquery
from django.db.models.functions import Coalesce

from jobs.context import JobContext
from jobs.errors import PermanentError, RetryableError
from jobs.inspection import Finding, Inspector, InvalidPayloadError
from jobs.kinds import Kind, QueueDials
from jobs.mailing.about import NoLongerTrueError, about_of, schedule_id_of
from jobs.mailing.messages import message_of
from jobs.mailing.receivers import address_of, reason_against
from jobs.mailing.sending import RefusedForNowError, deliver
from jobs.mailing.topics import MAIL, Topic, mail_is_on
from jobs.models import Attempt, Event, Job
from jobs.retry import RetryPolicy
from jobs.states import Level

#: How often the text of a mail may be sent without an answer that says what became of it.
MOST_COPIES: Final = 2
#: What the conditions of such an attempt say.
UNANSWERED: Final = {"mail": "sent, no answer"}
ANSWERED: Final = {"mail": "answered"}
#: What payloads have beside the topic (`jobs.mailing.queueing`).
FACTS: Final = ({"job"}, {"job", "schedule"}, {"run", "schedule"}, {"counts"}, {"language"}, {"name", "url", "reason"})


def send_mail(context: JobContext) -> dict[str, Any]:
    """The handler: send the mail, unless there is a reason against it. The result says which.

    Raises PermanentError (`mail-refused`, `mail-unconfirmed`) or RetryableError.
    """
    mail = context.job
    topic, owner = Topic(mail.payload["topic"]), mail.owner
    if (reason := reason_against(owner, topic, schedule_id=schedule_id_of(mail))) or owner is None:
        return {"sent": False, "reason": reason}
    try:
        about = about_of(mail)
    except NoLongerTrueError:
        return {"sent": False, "reason": "What it would say is no longer true."}
    if not mail_is_on():
        raise RetryableError("EMAIL_URL is not set for this worker.", public="The service sends no mail at the moment.")
    if unanswered_copies(mail) >= MOST_COPIES:
        said = f"The mail server has got this mail {MOST_COPIES} times and has not said what became of it."
        raise PermanentError(said, code="mail-unconfirmed")
    address = address_of(owner)
    try:
        validate_email(address)
    except ValidationError:
        raise PermanentError("The address of the account is not valid.", code="mail-refused") from None
    message = message_of(mail, about, user_id=owner.pk, address=address)
    _send(context, message)
    return {"sent": True, "messageId": message.extra_headers["Message-ID"]}


def unanswered_copies(mail: Job) -> int:
    """How many attempts since the submission, or the last requeue, sent the text and learned nothing. One query."""
    requeued = Event.objects.filter(job=mail, name=Event.Name.REQUEUED).order_by("-id").values("at")[:1]
    since = Coalesce(Subquery(requeued), mail.created_at)
    return Attempt.objects.filter(job=mail, started_at__gte=since, conditions=UNANSWERED).count()


def _send(context: JobContext, message: Any) -> None:
    """Send it, and let the attempt remember if the server did not answer, even if the worker is killed meanwhile."""
    attempt = Attempt.objects.filter(pk=context.attempt.pk, outcome="")

    def before_data() -> None:
        context.check()
        attempt.update(conditions=UNANSWERED)

    try:
        deliver(context, message, before_data=before_data)
    except (PermanentError, RefusedForNowError):
        attempt.update(conditions=ANSWERED)
        raise
    attempt.update(conditions=ANSWERED)


class MailInspector(Inspector):
    """The type is the topic."""

    def type_of(self, payload: dict[str, Any]) -> str:
        """The topic; empty if the payload names none."""
        return str(payload.get("topic", "")) if isinstance(payload, dict) else ""

    def types(self) -> tuple[str, ...]:
        """All topics."""
        return tuple(Topic)

    def validate(self, payload: Any, owner: AbstractBaseUser | None) -> dict[str, Any]:
        """Raises InvalidPayloadError unless the payload is like those of `jobs.mailing.queueing`."""
        checked = super().validate(payload, owner)
        if checked.get("topic") not in tuple(Topic):
            raise InvalidPayloadError([{"pointer": "/topic", "detail": "There is no such topic."}])
        if set(checked) - {"topic"} not in FACTS:
            raise InvalidPayloadError([{"pointer": "", "detail": "A topic and its facts are required."}])
        return checked

    def findings(self, job: Job) -> Iterator[Finding]:
        """Whether the server sends mail, and the receiver still wants it."""
        if not mail_is_on():
            yield Finding(Level.REFUSED, "EMAIL_URL is not set: the server sends no mail.")
        elif reason := reason_against(job.owner, Topic(job.payload["topic"]), schedule_id=schedule_id_of(job)):
            yield Finding(Level.REFUSED, reason)
        else:
            yield Finding(Level.OK, "The server sends mail, and its receiver wants it.")


#: Backoff of 20 s, 40 s, … up to 4 h, with full jitter. Twenty retries take 23 hours: longer than greylisting and than
#: most outages of a mail server.
KIND: Final = Kind(
    name=MAIL,
    queue="mail",
    queue_dials=QueueDials(max_running=2, statement_timeout_seconds=60),
    handler=send_mail,
    stall_timeout_seconds=600,
    inspector=MailInspector(),
    retry_policy=RetryPolicy(max_attempts=21, first_delay_seconds=20, max_delay_seconds=4 * 3600, max_lost_in_a_row=5),
)
