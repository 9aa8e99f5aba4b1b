"""Why messages of a queue could not be sent, unless Redis is away; the admin's first page shows it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import redis
import structlog
from django.db import DatabaseError, InterfaceError, models
from django.db.models.functions import Now
from kombu.exceptions import LimitExceeded
from kombu.exceptions import OperationalError as BrokerError

from jobs.models import PublishFailure
from jobs.payloads.redaction import in_one_line

logger = structlog.get_logger(__name__)

#: Beat tries every few seconds, so a failure older than this is over. Seconds.
OVER_AFTER_SECONDS: Final = 30
#: Errors of the connection to Redis for which waiting helps. LimitExceeded: no producer was free in time.
AWAY: Final = (redis.ConnectionError, redis.TimeoutError, OSError, LimitExceeded)
#: Subclasses of these that only a change of the settings cures: of the password, or of the user's rights.
REFUSED: Final = (redis.AuthenticationError, redis.exceptions.AuthorizationError)


def cause_of(error: Exception) -> Exception:
    """The error that Celery and kombu wrapped: they raise the same one for a lost connection and for an error reply."""
    while isinstance(error, BrokerError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    return error


def is_redis_away(cause: Exception) -> bool:
    """Whether the connection failed, as opposed to an error reply or a queue that was not found."""
    return isinstance(cause, AWAY) and not isinstance(cause, REFUSED)


def keep_failure(queue: str, cause: Exception) -> None:
    """Store it in the queue's row. The publisher has committed and must not fail now, so an error here is logged."""
    found = {"at": Now(), "error_class": type(cause).__name__[:200], "message": in_one_line(cause)}
    try:
        PublishFailure.objects.update_or_create(queue=queue, defaults=found)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("publish_failure_not_kept", queue=queue, error=in_one_line(error))


def failures_now() -> models.QuerySet[PublishFailure]:
    """Failures that are not over."""
    return PublishFailure.objects.filter(at__gt=Now() - timedelta(seconds=OVER_AFTER_SECONDS)).order_by("queue")
