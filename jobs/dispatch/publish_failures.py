"""Why messages of a queue could not be sent, where that is not Redis being away: the admin's first page tells it."""

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

#: Beat tries every few seconds: a failure that is older than this is over. Seconds.
OVER_AFTER_SECONDS: Final = 60
#: What the connection to Redis raises, where waiting helps. A producer that is not free in time is one of them.
AWAY: Final = (redis.ConnectionError, redis.TimeoutError, OSError, LimitExceeded)
#: Of those, what only a change of the settings cures: the password, or the rights of its user.
REFUSED: Final = (redis.AuthenticationError, redis.exceptions.AuthorizationError)


def cause_of(error: Exception) -> Exception:
    """What Celery and kombu have wrapped: they raise the same error for a lost connection and for an answer."""
    while isinstance(error, BrokerError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    return error


def is_redis_away(cause: Exception) -> bool:
    """Whether the connection is what failed. An answer with an error is something else, and a queue not found, too."""
    return isinstance(cause, AWAY) and not isinstance(cause, REFUSED)


def keep_failure(queue: str, cause: Exception) -> None:
    """In the queue's row. Whoever publishes has committed by now and must not fail: an error here is logged."""
    found = {"at": Now(), "error_class": type(cause).__name__[:200], "message": in_one_line(cause)}
    try:
        PublishFailure.objects.update_or_create(queue=queue, defaults=found)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("publish_failure_not_kept", queue=queue, error=in_one_line(error))


def failures_now() -> models.QuerySet[PublishFailure]:
    """Those that are not over."""
    return PublishFailure.objects.filter(at__gt=Now() - timedelta(seconds=OVER_AFTER_SECONDS)).order_by("queue")
