"""Order: `POST /api/reports`, beside a minimal DRF view that inserts a row and calls `.delay()`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from typing import Final
from uuid import uuid4

from django.db import connection

from bench.backlog import count_messages, empty, forget_messages
from bench.load import Ask, http_request
from bench.measuring import WrongWorkError
from bench.table import Row
from bench.web import Side, Web, serve_in_turns
from jobs.dispatch.doorbells import MOST_UNANSWERED
from jobs.models import Job, Queue
from jobs.states import State

QUEUE: Final = "reports"
PEERS_QUEUE: Final = "bench-minimal"
BODY: Final = json.dumps({"reportType": "yearly-sales", "parameters": {"year": "2023"}}).encode()
ACCEPTED: Final = re.compile(rb'HTTP/1\.1 202 .*"status":"queued"', re.DOTALL | re.IGNORECASE)
#: Orders after which the tables are empty again. As no worker runs, who was handed out holds a place for good; with
#: workers they are as many as run.
BATCH: Final = 200
#: Where the first few orders are handed out, and all others find no place.
PLACES: Final = 4
MINIMAL: Final = "minimal view"
#: By side: its row, and the target.
ROWS: Final[dict[str, tuple[str, float | None]]] = {
    "Longhaul": ("order", 0.6),
    "no place free": ("order-waiting", 0.6),
    "with a key": ("order-keyed", None),
}


def rows(web: Web, *, orders: int, repeat: int, quick: bool) -> list[Row]:
    """No worker runs, of either side: the messages are part of the orders, what becomes of them is not."""
    sides = {"Longhaul": ours(web), "no place free": ours(web, places=PLACES), MINIMAL: peer(web)}
    if not quick:
        sides["with a key"] = ours(web, keyed=True)
    with own_dials():
        served = serve_in_turns(sides, requests=orders, batch=BATCH, repeat=repeat)
    empty(QUEUE)
    forget_messages(PEERS_QUEUE)
    minimal = served.pop(MINIMAL)
    work = f"{orders:,} × POST /api/reports"
    return [
        Row(ROWS[name][0], work, side, minimal, side.median / minimal.median, "×", ROWS[name][1])
        for name, side in served.items()
    ]


@contextmanager
def own_dials() -> Iterator[None]:
    """The dial that is changed within the block is put back."""
    dials = Queue.objects.filter(name=QUEUE)
    before = dials.values("max_running").get()
    try:
        yield
    finally:
        dials.update(**before)


def ours(web: Web, *, places: int | None = None, keyed: bool = False) -> Side:
    """With so many places; None is no limit, so that only the unanswered messages bound how many are handed out.

    `keyed` orders have an Idempotency-Key each, that nobody has used before.
    """

    def prepare(orders: int) -> list[Ask]:
        empty(QUEUE)
        Queue.objects.filter(name=QUEUE).update(max_running=places)
        return order_requests("/api/reports", [account.ours for account in web.accounts], orders=orders, keyed=keyed)

    def check(orders: int) -> None:
        require_jobs(orders=orders, places=places, keyed=keyed)

    return Side(web.ours, prepare, check)


def peer(web: Web) -> Side:
    """The minimal view."""

    def prepare(orders: int) -> list[Ask]:
        web.fill_peer(0)
        forget_messages(PEERS_QUEUE)
        return order_requests("/reports", [account.peers for account in web.accounts], orders=orders)

    return Side(web.peer, prepare, lambda orders: require_rows(orders=orders))


def order_requests(path: str, authorizations: Sequence[str], *, orders: int, keyed: bool = False) -> list[Ask]:
    """The same body for all, in everybody's name in turns."""
    names = islice(cycle(authorizations), orders)
    keys = (str(uuid4()) if keyed else None for _ in range(orders))
    return [
        Ask(http_request("POST", path, authorization=name, body=BODY, key=key), ACCEPTED)
        for name, key in zip(names, keys, strict=True)
    ]


def require_jobs(*, orders: int, places: int | None, keyed: bool) -> None:
    """Raises WrongWorkError unless each order is a job, `keyed` or not, and as many as due were handed out.

    Each of these has a message. Without a limit they are at least as many as messages may be unanswered.
    """
    queued = Job.objects.filter(queue=QUEUE, state=State.QUEUED)
    released = queued.filter(released_at__isnull=False).count()
    due = min(orders, max(released, MOST_UNANSWERED)) if places is None else min(orders, places)
    require_counts(
        {"jobs": (queued.count(), orders),
         "jobs with a key": (queued.filter(idempotency_key__isnull=False).count(), orders if keyed else 0),
         "jobs handed out": (released, due),
         "messages": (count_messages(QUEUE), released)}
    )  # fmt: skip


def require_rows(*, orders: int) -> None:
    """Raises WrongWorkError unless each order is a row and a message."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM bench_minimal_report")
        rows = cursor.fetchone()[0]
    require_counts({"rows": (rows, orders), "messages": (count_messages(PEERS_QUEUE), orders)})


def require_counts(counts: dict[str, tuple[int, int]]) -> None:
    """Each as counted, and as it should be. Raises WrongWorkError."""
    if wrong := [f"{counted:,} {what}, not {due:,}" for what, (counted, due) in counts.items() if counted != due]:
        raise WrongWorkError(f"the orders made {', '.join(wrong)}")
