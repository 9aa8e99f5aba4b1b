"""The admin and `/metrics`: how long their pages take with many jobs, beside the same with few."""

from __future__ import annotations

import re
import statistics
import time
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, setup_test_environment

from bench.backlog import FEW, empty
from bench.measuring import Measured, WrongWorkError
from bench.registry import Setting
from bench.table import Row
from config.stack.stopping import say
from jobs.models import Job

OWNERS: Final = 1000
#: Requests of each page, at most, that one figure is the median of.
REQUESTS: Final = 5

#: Of 1,000 jobs 970 have succeeded, 15 are dead of three causes, 5 have failed, 10 wait; one is a bulk run.
FILL: Final = """
    INSERT INTO jobs_job (
        id, kind, type, queue, owner, payload, state, retry_at, finished_at, priority, due, attempt_count, max_attempts,
        fencing_token, progress_done, progress_percent, error_class, error_message, error_fingerprint,
        request_fingerprint
    )
    SELECT uuidv7(), kind, kind || '-type', CASE kind WHEN 'bulk' THEN 'operations' ELSE 'reports' END,
        (%(owners)s::bigint[])[1 + i %% cardinality(%(owners)s)],
        jsonb_build_object('reportType', kind || '-type', 'parameters', jsonb_build_object('number', i)),
        state, CASE WHEN state = 'failed' THEN now() + interval '1 day' END,
        CASE WHEN state IN ('succeeded', 'dead') THEN now() END, 0, true, 1, 5, 1, 0, 0,
        CASE WHEN state IN ('dead', 'failed') THEN 'bench.Error' || i %% 3 ELSE '' END, '',
        CASE WHEN state IN ('dead', 'failed') THEN repeat((i %% 3)::text, 16) ELSE '' END, ''
    FROM (
        SELECT i, CASE WHEN i %% 1000 = 500 THEN 'bulk' ELSE 'report' END AS kind, CASE
            WHEN i %% 1000 < 15 THEN 'dead' WHEN i %% 1000 < 20 THEN 'failed' WHEN i %% 1000 >= 990 THEN 'queued'
            ELSE 'succeeded' END AS state
        FROM generate_series(1, %(jobs)s) AS i
    ) AS job
"""
TERMS: Final = """
    INSERT INTO jobs_searchterms (job_id, terms)
    SELECT id, ARRAY[type, 'reporttype=' || type, payload->'parameters'->>'number',
        'number=' || (payload->'parameters'->>'number')]
    FROM jobs_job
"""
#: First pages of the list; each must show a job.
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


def run(setting: Setting) -> list[Row]:
    """One row compares the list's first pages, all together; each page, and its SQL, is told on the way."""
    many, requests = setting.backlog, min(REQUESTS, setting.jobs)
    say(f"admin: measuring {FEW:,} and {many:,} jobs")
    setup_test_environment(debug=False)
    owners = User.objects.bulk_create(User(username=f"admin-bench-{number}") for number in range(OWNERS))
    client = Client()
    client.force_login(User.objects.create_superuser("admin-bench"))
    totals: dict[int, list[float]] = {FEW: [], many: []}
    scrapes: dict[int, list[float]] = {FEW: [], many: []}
    for jobs in (FEW, many):
        fill([owner.pk for owner in owners], jobs=jobs)
        for turn in range(setting.repeat + 1):
            pages = {name: milliseconds(client, path, requests=requests) for name, path in PAGES.items()}
            others = {name: milliseconds(client, path, requests=requests) for name, path in OTHERS.items()}
            if turn:
                totals[jobs].append(sum(pages.values()))
                scrapes[jobs].append(others["scrape"])
        for name, path in {**PAGES, **OTHERS}.items():
            taken = (pages | others)[name]
            say(f"  {jobs:,} jobs, {name}: {taken:.1f} ms, of which SQL {sql_milliseconds(client, path):.1f} ms")
        empty()
    work = f"first page of the list of jobs, by each of {len(PAGES)} filters and searches"
    return [
        row("admin", work, ours=totals[many], beside=totals[FEW], many=many),
        row("scrape", "one scrape of /metrics", ours=scrapes[many], beside=scrapes[FEW], many=many),
    ]


def row(name: str, work: str, *, ours: list[float], beside: list[float], many: int) -> Row:
    """Milliseconds with so many jobs, beside those with few."""
    large, small = Measured(f"{many:,} jobs", ours, "ms"), Measured(f"{FEW:,} jobs", beside, "ms")
    return Row(name, work, large, small, large.median / small.median, "×", 1.3, at_most=True)


def fill(owners: list[int], *, jobs: int) -> None:
    """So many jobs, with the statistics that autovacuum would make."""
    parameters: dict[str, Any] = {"owners": owners, "jobs": jobs}
    with connection.cursor() as cursor:
        cursor.execute(FILL, parameters)
        cursor.execute(TERMS)
        cursor.execute("VACUUM (ANALYZE) jobs_job, jobs_searchterms")
        cursor.execute("CHECKPOINT")
    if Job.objects.count() != jobs:
        raise WrongWorkError(f"there are not {jobs:,} jobs")


def milliseconds(client: Client, path: str, *, requests: int) -> float:
    """The median of some requests. Raises WrongWorkError where the page shows no job, or the scrape nothing waiting."""
    taken = []
    for _ in range(requests):
        started = time.perf_counter()
        response = client.get(path)
        taken.append((time.perf_counter() - started) * 1000)
        if response.status_code != 200 or is_empty(response):
            raise WrongWorkError(f"{path} shows nothing")
    return statistics.median(taken)


def is_empty(response: Any) -> bool:
    """Whether it is a list without a job, or metrics without a queue in which one waits."""
    if response.context is None:
        return re.search(r'^longhaul_queue_waiting_jobs\{queue="reports"\} [1-9]', response.text, re.MULTILINE) is None
    return "cl" in response.context and not response.context["cl"].result_list


def sql_milliseconds(client: Client, path: str) -> float:
    """What one request waits for PostgreSQL."""
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    return sum(float(query["time"]) for query in queries.captured_queries) * 1000
