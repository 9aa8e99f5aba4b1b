"""Whether this process is alive, whether it can take requests, and whether the whole service is well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

from jobs.api.metrics import may_read_operations, refuse_operations
from jobs.monitoring.health import database_answers, problems, workers_present

logger = structlog.get_logger(__name__)


def answer_probes(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that answers probes before any other checks `Host` or queries PostgreSQL for a session."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return PROBES.get(request.path_info, get_response)(request)

    return middleware


@never_cache
def livez(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 if this web server can take requests, for which PostgreSQL must answer; else 503. The body names each check.

    Orders are accepted without Redis and without workers, so these count only in `healthz`.
    """
    checks = {"web": True, "database": _database_answers()}
    words = {name: "ok" if holds else "unavailable" for name, holds in checks.items()}
    return _answer({"checks": words}, is_well=all(checks.values()))


#: By path. `config.web_worker` reserves threads for them.
PROBES: Final = {"/livez": livez, "/readyz": readyz}


@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200 if nothing is wrong with the service, else 503. The body names each part with its problems.

    For requests with METRICS_TOKEN, and for staff who may see jobs.
    """
    if not may_read_operations(request):
        return refuse_operations(request)
    found = problems()
    checks = {
        name: {"status": "unavailable", "problems": sentences} if sentences else {"status": "ok"}
        for name, sentences in found.items()
    }
    workers = [] if found["database"] else workers_present()
    return _answer({"checks": checks, "workers": workers}, is_well=not any(found.values()))


def _answer(body: dict[str, object], *, is_well: bool) -> JsonResponse:
    status = {"status": "ok" if is_well else "unavailable"}
    return JsonResponse({**status, **body}, status=200 if is_well else 503)


def _database_answers() -> bool:
    try:
        return database_answers()
    except Exception as error:  # of the driver, or of Django
        logger.warning("not_ready", check="database", error=repr(error))
        return False
