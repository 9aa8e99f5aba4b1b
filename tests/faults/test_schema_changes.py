"""Columns that come and go while the service is used, as in a rolling deployment."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import requests
from django.contrib.auth.models import User

from jobs.models import Queue
from tests.support.tokens import bearer_of
from tests.support.waiting import wait_until

ORDER = {"reportType": "yearly-sales", "parameters": {"year": 2023}}
#: Tables that every order and every status reads.
TABLES = ("jobs_job", "jobs_queue", "auth_user", "jobs_apitoken")
#: A column that an order reads, also to look for its key, and its type.
TABLE, COLUMN, TYPE = "jobs_job", "error_class", "varchar(200)"


class Client:
    """Orders, and asks for the status, until it is told to stop."""

    def __init__(self, url: str, bearer: str) -> None:
        self.url, self.headers = url, {"Authorization": f"Bearer {bearer}"}
        self.answers: Counter[int] = Counter()
        self.bodies: list[str] = []

    def run(self, stop: threading.Event) -> None:
        with requests.Session() as session:
            session.headers.update(self.headers)
            while not stop.is_set():
                key = {"Idempotency-Key": str(uuid4())}
                order = session.post(f"{self.url}/api/reports", json=ORDER, headers=key, timeout=30)
                self.note(order)
                if order.status_code == 202:
                    self.note(session.get(self.url + order.headers["Location"], timeout=30))

    def note(self, answer: requests.Response) -> None:
        self.answers[answer.status_code] += 1
        if answer.status_code >= 500:
            self.bodies.append(answer.text[:300])


@contextmanager
def clients(url: str, *, count: int) -> Iterator[list[Client]]:
    owner = User.objects.create_user("rolling")
    stop = threading.Event()
    asking = [Client(url, bearer_of(owner)) for _ in range(count)]
    with ThreadPoolExecutor(count) as threads:
        running = [threads.submit(client.run, stop) for client in asking]
        try:
            wait_until(lambda: all(client.answers[202] > 1 for client in asking), message="all orders are accepted")
            yield asking
        finally:
            stop.set()
        for client in running:
            client.result()


def test_columns_come_and_go_under_load(database_url: str, live_url: str) -> None:
    def all_ask_again(asking: list[Client]) -> None:
        before = [client.answers.total() for client in asking]
        wait_until(lambda: all(client.answers.total() > n + 2 for client, n in zip(asking, before, strict=True)))

    Queue.objects.update(paused=True)  # a report would be read while the end of the test empties its tables
    Queue.objects.filter(name="reports").update(max_queued=1_000_000)  # counted with the queue's row locked
    with psycopg.connect(database_url, autocommit=True) as admin, clients(live_url, count=8) as asking:
        for change in ("ADD COLUMN appeared int", "DROP COLUMN appeared"):
            for table in TABLES:
                admin.execute(f"ALTER TABLE {table} {change}".encode())
                all_ask_again(asking)
        for type_ in ("text", TYPE):
            admin.execute(f"ALTER TABLE {TABLE} ALTER {COLUMN} TYPE {type_}".encode())
            all_ask_again(asking)
    answers = sum((client.answers for client in asking), Counter[int]())
    assert set(answers) == {200, 202}, [client.bodies for client in asking]
