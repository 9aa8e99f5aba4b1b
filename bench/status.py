"""Status: `GET /api/reports/{id}/status`, beside a minimal DRF view that reads one row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Any, Final

from django.db import connection

from bench.backlog import empty
from bench.load import Ask, http_request
from bench.measuring import WrongWorkError
from bench.table import Row
from bench.web import Side, Web, serve_in_turns
from jobs.models import Job, Queue
from jobs.states import State

QUEUE: Final = "reports"
#: Jobs that there are at a time.
BATCH: Final = 1000

#: The owners' in turns, in the order of their ids.
FILL: Final = """
    INSERT INTO jobs_job (
        id, kind, type, queue, owner, payload, state, priority, due, attempt_count, max_attempts, fencing_token,
        progress_done, progress_percent, error_class, error_message, error_fingerprint, request_fingerprint,
        started_at, finished_at
    )
    SELECT uuidv7(), 'report', 'yearly-sales', %(queue)s,
        (%(owners)s::bigint[])[1 + (i - 1) %% cardinality(%(owners)s)],
        '{"reportType": "yearly-sales", "parameters": {"year": 2023}, "csv": {}}', %(state)s, 0, true, 0, 5, 0,
        0, 0, '', '', '', '', CASE WHEN ended THEN now() END, CASE WHEN ended THEN now() END
    FROM (SELECT i, %(state)s = 'succeeded' AS ended FROM generate_series(1, %(jobs)s) AS i) AS job ORDER BY i
"""
FILES: Final = """
    INSERT INTO jobs_artifact (
        job_id, attempt, role, storage_name, filename, content_type, encoding, row_count, size_bytes, sha256,
        published_at, expires_at
    )
    SELECT id, 1, 'result', id || '/1-result', 'yearly-sales.csv', 'text/csv', 'utf-8', 1000, 65536,
        repeat('0123456789abcdef', 4), now(), now() + interval '7 days'
    FROM jobs_job WHERE state = 'succeeded'
"""
#: What an answer must hold: of one that waits its place in the queue, of one that has ended its file.
ANSWERS: Final = {
    State.QUEUED: re.compile(rb'HTTP/1\.1 200 .*"status":"Queued",.*"queuePosition":\d', re.DOTALL),
    State.SUCCEEDED: re.compile(rb'HTTP/1\.1 200 .*"status":"Complete",.*"sha256":"0123', re.DOTALL),
}
ROW: Final = re.compile(rb'HTTP/1\.1 200 .*"status":"done"', re.DOTALL)


def rows(web: Web, *, jobs: int, repeat: int) -> list[Row]:
    """Each job is asked for once, by its owner; in each run they are others, as nobody may ask again so soon."""
    with paused_queue():
        served = serve_in_turns(
            {
                "ended": ours(web, state=State.SUCCEEDED),
                "waiting": ours(web, state=State.QUEUED),
                "minimal view": peer(web),
            },
            requests=jobs,
            batch=BATCH,
            repeat=repeat,
        )
    empty(QUEUE)
    ended, waiting, minimal = served.values()
    work = f"{jobs:,} × GET /api/reports/{{id}}/status"
    return [
        Row("status", f"{work}, ended", ended, minimal, ended.median / minimal.median, "×", 0.75),
        Row("status-waiting", f"{work}, waiting", waiting, minimal, waiting.median / minimal.median, "×", 0.6),
    ]


@contextmanager
def paused_queue() -> Iterator[None]:
    """Who waits stays so, though the queue has places."""
    dials = Queue.objects.filter(name=QUEUE)
    dials.update(paused=True)
    try:
        yield
    finally:
        dials.update(paused=False)


def ours(web: Web, *, state: State) -> Side:
    """There are as many jobs in this state as are asked for, and no others."""

    def prepare(jobs: int) -> list[Ask]:
        fill([account.pk for account in web.accounts], jobs=jobs, state=state)
        authorizations = {account.pk: account.ours for account in web.accounts}
        return [
            Ask(http_request("GET", f"/api/reports/{pk}/status", authorization=authorizations[owner]), ANSWERS[state])
            for pk, owner in Job.objects.order_by("pk").values_list("pk", "owner")
        ]

    def check(jobs: int) -> None:
        if (left := Job.objects.filter(queue=QUEUE, state=state, released_at=None).count()) != jobs:
            raise WrongWorkError(f"of {jobs:,} jobs {left:,} are still {state}")

    return Side(web.ours, prepare, check)


def peer(web: Web) -> Side:
    """As many rows."""

    def prepare(jobs: int) -> list[Ask]:
        web.fill_peer(jobs)
        accounts = cycle(web.accounts)
        return [
            Ask(http_request("GET", f"/reports/{pk}", authorization=account.peers), ROW)
            for pk, account in zip(range(1, jobs + 1), accounts, strict=False)
        ]

    return Side(web.peer, prepare, lambda jobs: None)


def fill(owners: list[int], *, jobs: int, state: State) -> None:
    """Instead of all jobs that there are; then what autovacuum would do meanwhile."""
    empty(QUEUE)
    parameters: dict[str, Any] = {"queue": QUEUE, "owners": owners, "jobs": jobs, "state": state}
    with connection.cursor() as cursor:
        cursor.execute(FILL, parameters)
        cursor.execute(FILES)
        cursor.execute("VACUUM (ANALYZE) jobs_job, jobs_artifact")
