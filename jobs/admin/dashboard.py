"""The admin's first page: running and waiting jobs and current troubles, each with a link to its jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

import redis
from celery import current_app
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from jobs.admin.charts import stacked_bars
from jobs.durations import in_words
from jobs.models import Job, Queue
from jobs.monitoring.overview import QueueFigures, capped, queue_figures, sweep_states
from jobs.monitoring.troubles import troubles
from jobs.payloads.redaction import in_one_line
from jobs.states import State

#: How long workers and Redis may take to respond. Seconds.
ANSWER_SECONDS: Final = 1.0


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK: extend the context of the admin's index for users who may view jobs."""
    if not request.user.has_perm("jobs.view_job"):
        return context
    queues, sweeps = queue_figures(), sweep_states()
    return context | {
        "title": "Operations",
        "troubles": [
            {"it": trouble, "remedies": trouble.remedies_for(request.user)} for trouble in troubles(queues, sweeps)
        ],
        "queues": [_queue_panel(queue) for queue in queues],
        "sweeps": sweeps,
    }


def services_view(request: HttpRequest) -> HttpResponse:
    """The panel of workers and servers. It takes a second, so the page loads it in the background."""
    if not request.user.has_perm("jobs.view_job"):
        raise PermissionDenied
    servers = {"PostgreSQL": check_server(_postgresql), "Redis": check_server(_redis)}
    workers: list[dict[str, Any]] = []
    error_text = "" if servers["Redis"][0] else "they are reached through Redis, which does not respond."
    if not error_text:  # a Redis that hangs would take ten seconds of this thread
        try:
            workers = live_workers()
        except Exception as error:  # the broker's client may raise anything
            error_text = in_one_line(error)
    context = {"servers": servers, "workers": workers, "error": error_text, "unserved": _unserved_queues(workers)}
    return TemplateResponse(request, "admin/services.html", context)


def live_workers() -> list[dict[str, Any]]:
    """Each worker that responds within a second: its name, the queues that it consumes, and its running tasks."""
    inspect = current_app.control.inspect(timeout=ANSWER_SECONDS)
    consumed = inspect.active_queues() or {}
    active = inspect.active() or {}
    ids = {id_ for tasks in active.values() for task in tasks if (id_ := _job_id(task)) is not None}
    jobs = Job.objects.only("kind", "type", "progress_percent").in_bulk(list(ids))
    return [
        {
            "name": name,
            "queues": sorted(queue["name"] for queue in queues),
            "tasks": [
                {
                    "name": task["name"].removeprefix("jobs."),
                    "job": jobs.get(id_) if (id_ := _job_id(task)) else None,
                    "since": in_words(max(0.0, time.time() - task["time_start"])) if task.get("time_start") else "",
                }
                for task in active.get(name, [])
            ],
        }
        for name, queues in sorted(consumed.items())
    ]


def check_server(ask: Callable[[], str]) -> tuple[bool, str]:
    """Whether a server responds, and its answer or the error."""
    try:
        return True, ask()
    except Exception as error:  # from the driver
        return False, in_one_line(error)


def _postgresql() -> str:
    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT current_setting('server_version'), pg_size_pretty(pg_database_size(current_database())),
                (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()),
                current_setting('max_connections'),
                (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active')
        """)
        version, size, sessions, most, active = cursor.fetchone()
    return f"{version}, {size}, {sessions} of {most} sessions, {active} active"


def _redis() -> str:
    timeouts = {"socket_timeout": ANSWER_SECONDS, "socket_connect_timeout": ANSWER_SECONDS}
    with redis.Redis.from_url(settings.REDIS_URL, **timeouts) as client:
        info: Any = client.info()
    version = info.get("valkey_version") or info["redis_version"]
    name = "Valkey" if "valkey_version" in info else "Redis"
    return f"{name} {version}, {info['used_memory_human']} used, {info['connected_clients']} clients"


def _unserved_queues(workers: list[dict[str, Any]]) -> list[str]:
    """Queues with waiting jobs that no worker consumes."""
    consumed = {name for worker in workers for name in worker["queues"]}
    waiting = Job.objects.filter(queue=OuterRef("name"), state=State.QUEUED)
    needed = Queue.objects.filter(Exists(waiting)).order_by("name").values_list("name", flat=True)
    return [name for name in needed if name not in consumed]


def _job_id(task: Mapping[str, Any]) -> UUID | None:
    try:
        return UUID(task["args"][0])
    except (IndexError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _queue_panel(queue: QueueFigures) -> dict[str, Any]:
    return {
        "it": queue,
        "waiting": capped(queue.waiting),
        "failed": capped(queue.failed),
        "dead": capped(queue.dead),
        "oldest_wait": in_words(queue.oldest_wait) if queue.oldest_wait is not None else "",
        "spans": [
            {
                "words": words,
                "bars": stacked_bars(span.succeeded, span.failed),
                "attempts": span.attempts,
                "failed": sum(span.failed),
                "rate": f"{span.failure_rate:.0%}",
            }
            for words, span in (("last hour", queue.hour), ("last day", queue.day))
        ],
    }
