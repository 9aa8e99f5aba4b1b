"""Whether the process lives, and whether the service can do its work."""

from __future__ import annotations

from collections.abc import Callable

import redis
import structlog
from celery import current_app
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

from jobs.postgres.probing import Probe

logger = structlog.get_logger(__name__)

#: How long each check may take. Seconds.
CHECK_TIMEOUT = 1.0
PROBE = Probe()


@never_cache
def livez(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database, Redis and a worker that consumes answer; else 503. Each is named."""
    checks: dict[str, bool] = {}
    for name, check in CHECKS.items():
        checks[name] = checks.get(NEEDS.get(name, ""), True) and _holds(name, check)
    ready = all(checks.values())
    body = {
        "status": "ok" if ready else "unavailable",
        "checks": {name: "ok" if holds else "unavailable" for name, holds in checks.items()},
    }
    return JsonResponse(body, status=200 if ready else 503)


def _holds(name: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception as error:
        logger.warning("not_ready", check=name, error=repr(error))
        return False


def _database() -> bool:
    return PROBE.answers(within=CHECK_TIMEOUT)


def _redis() -> bool:
    timeouts = {"socket_timeout": CHECK_TIMEOUT, "socket_connect_timeout": CHECK_TIMEOUT}
    with redis.Redis.from_url(settings.REDIS_URL, **timeouts) as client:
        return bool(client.ping())


def _worker() -> bool:
    consuming = current_app.control.inspect(timeout=CHECK_TIMEOUT).active_queues() or {}
    return any(consuming.values())


CHECKS: dict[str, Callable[[], bool]] = {"database": _database, "redis": _redis, "worker": _worker}
#: Check → the one without which it is not made: a worker is asked through Redis.
NEEDS = {"worker": "redis"}
