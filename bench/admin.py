"""The admin and `/metrics`: how long their pages take with many jobs, beside the same with few."""

from __future__ import annotations

import re
import statistics
import time
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench.backlog import FEW, empty
from bench.measuring import Measured, WrongWorkError
from bench.registry import Setting
from bench.table import Row
from config.stack.stopping import say
from jobs.models import Job

OWNERS: Final = 1000
#: Requests of each page, at most, that one figure is the median of.
REQUESTS: Final = 5

#: Rows of one page. With few jobs, rare ones are less rare, so that each page shows as many rows as with a million.
SHOWN: Final = 50

#: Of 1,000,000 jobs 97 % have succeeded, 1.5 % are dead of three causes, 0.5 % have failed, 1 % wait; one in `rare`,
#: which is 1,000, is a bulk run, and there are as many owners.
FILL: Final = """
    INSERT INTO jobs_job (
        id, kind, type, queue, owner, payload, state, retry_at, finished_at, priority, due, attempt_count, max_attempts,
        fencing_token, progress_done, progress_percent, error_class, error_message, error_fingerprint,
        request_fingerprint
    )
    SELECT uuidv7(), kind, kind || '-type', CASE kind WHEN 'bulk' THEN 'operations' ELSE 'reports' END,
        (%(owners)s::bigint[])[1 + i %% %(rare)s],
        jsonb_build_object('reportType', kind || '-type', 'parameters', jsonb_build_object('number', i)),
        state, CASE WHEN state = 'failed' THEN now() + interval '1 day' END,
        CASE WHEN state IN ('succeeded', 'dead') THEN now() END, 0, true, 1, 5, 1, 0, 0,
        CASE WHEN state IN ('dead', 'failed') THEN 'bench.Error' || i %% 3 ELSE '' END, '',
        CASE WHEN state IN ('dead', 'failed') THEN repeat((i %% 3)::text, 16) ELSE '' END, ''
    FROM (
        SELECT i, CASE WHEN i %% %(rare)s = %(rare)s / 2 THEN 'bulk' ELSE 'report' END AS kind, CASE
            WHEN i %% %(rare)s < %(dead)s THEN 'dead' WHEN i %% %(rare)s < %(failed)s THEN 'failed'
            WHEN i %% %(rare)s >= %(queued)s THEN 'queued' ELSE 'succeeded' END AS state
        FROM generate_series(1, %(jobs)s) AS i
    ) AS job
"""
TERMS: Final = """
    INSERT INTO jobs_searchterms (job_id, terms)
    SELECT id, ARRAY[type, 'reporttype=' || type, payload->'parameters'->>'number',
        'number=' || (payload->'parameters'->>'number')]
    FROM jobs_job
"""
#: First pages of the list; each must show a job, and as many with a million jobs as with few.
PAGES: Final = {
    "all": "/admin/jobs/job/",
    "state": "/admin/jobs/job/?state=dead",
    "common kind": "/admin/jobs/job/?kind=report",
    "rare kind": "/admin/jobs/job/?kind=bulk",
    "rare type": "/admin/jobs/job/?type=bulk-type",
    "rare queue": "/admin/jobs/job/?queue=operations",
    "owner": "/admin/jobs/job/?owner=admin-bench-7",
    "error class": "/admin/jobs/job/?error=bench.Error1",
    "failure group": "/admin/jobs/job/?fingerprint=1111111111111111",
    "age": "/admin/jobs/job/?age=hour",
    "common value": "/admin/jobs/job/?q=report-type",
    "rare value": "/admin/jobs/job/?q=number%3D77",
}
OTHERS: Final = {"dashboard": "/admin/", "failure groups": "/admin/jobs/job/groups/", "scrape": "/metrics"}
#: The sample of a queue in which jobs wait.
WAITING: Final = re.compile(r'^longhaul_queue_waiting_jobs\{queue="reports"\} [1-9]', re.MULTILINE)


def run(setting: Setting) -> list[Row]:
    """One row compares the list's first pages, all together; each page, and its SQL, is told on the way."""
    many, requests = setting.backlog, min(REQUESTS, setting.jobs)
    say(f"admin: measuring {FEW:,} and {many:,} jobs")
    owners = User.objects.bulk_create(User(username=f"admin-bench-{number}") for number in range(OWNERS))
    client = Client(HTTP_HOST="localhost")
    client.force_login(User.objects.create_superuser("admin-bench"))
    names = ("pages", "dashboard", "scrape")
    taken: dict[tuple[str, int], list[float]] = {(name, jobs): [] for name in names for jobs in (FEW, many)}
    shown: dict[int, dict[str, int]] = {}
    empty()
    for jobs in (FEW, many):
        fill([owner.pk for owner in owners], jobs=jobs)
        shown[jobs] = {name: rows_shown(client, path) for name, path in PAGES.items()}
        for turn in range(setting.repeat + 1):
            pages = {name: milliseconds(client, path, requests=requests) for name, path in PAGES.items()}
            others = {name: milliseconds(client, path, requests=requests) for name, path in OTHERS.items()}
            if turn:
                taken["pages", jobs].append(sum(pages.values()))
                taken["dashboard", jobs].append(others["dashboard"])
                taken["scrape", jobs].append(others["scrape"])
        for name, path in {**PAGES, **OTHERS}.items():
            say(
                f"  {jobs:,} jobs, {name}: {(pages | others)[name]:.1f} ms, "
                f"of which SQL {sql_milliseconds(client, path):.1f} ms"
            )
        empty()
    if shown[FEW] != shown[many]:
        raise WrongWorkError(f"the pages show {shown[FEW]} and {shown[many]} rows")
    work = f"first page of the list of jobs, by each of {len(PAGES)} filters and searches"
    dashboard = Measured(f"{many:,} jobs", taken["dashboard", many], "ms")
    few = Measured(f"{FEW:,} jobs", taken["dashboard", FEW], "ms")
    return [
        row("admin", work, ours=taken["pages", many], beside=taken["pages", FEW], many=many),
        Row("dashboard", "the admin's first page", dashboard, few, dashboard.median, "ms", 100.0, at_most=True),
        row("scrape", "one scrape of /metrics", ours=taken["scrape", many], beside=taken["scrape", FEW], many=many),
    ]


def row(name: str, work: str, *, ours: list[float], beside: list[float], many: int) -> Row:
    """Milliseconds with so many jobs, beside those with few."""
    large, small = Measured(f"{many:,} jobs", ours, "ms"), Measured(f"{FEW:,} jobs", beside, "ms")
    return Row(name, work, large, small, large.median / small.median, "×", 1.3, at_most=True)


def fill(owners: list[int], *, jobs: int) -> None:
    """So many jobs, with the statistics that autovacuum would make."""
    rare = min(OWNERS, jobs // SHOWN)
    dead = max(rare * 15 // 1000, 3)
    failed = dead + max(rare * 5 // 1000, 1)
    queued = rare - max(rare * 10 // 1000, 1)
    parameters: dict[str, Any] = {
        "owners": owners, "jobs": jobs, "rare": rare, "dead": dead, "failed": failed, "queued": queued,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(FILL, parameters)
        cursor.execute(TERMS)
        cursor.execute("VACUUM (ANALYZE) jobs_job, jobs_searchterms")
        cursor.execute("CHECKPOINT")
    if Job.objects.count() != jobs:
        raise WrongWorkError(f"there are not {jobs:,} jobs")


def rows_shown(client: Client, path: str) -> int:
    """How many jobs a page of the list shows. Raises WrongWorkError if there are none."""
    found = client.get(path).text.count('<tr class="data-row ')
    if not found:
        raise WrongWorkError(f"{path} shows nothing")
    return found


def milliseconds(client: Client, path: str, *, requests: int) -> float:
    """The median of some requests. Raises WrongWorkError for an error, or a scrape without waiting jobs."""
    taken = []
    for _ in range(requests):
        started = time.perf_counter()
        response = client.get(path)
        taken.append((time.perf_counter() - started) * 1000)
        if response.status_code != 200 or (path == OTHERS["scrape"] and not WAITING.search(response.text)):
            raise WrongWorkError(f"{path} shows nothing")
    return statistics.median(taken)


def sql_milliseconds(client: Client, path: str) -> float:
    """What one request waits for PostgreSQL."""
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    return sum(float(query["time"]) for query in queries.captured_queries) * 1000
