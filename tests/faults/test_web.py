"""A web server under a storm: its processes are killed, or everybody cancels."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection
from select import select

import psutil
import pytest
import requests
from django.contrib.auth.models import User

from jobs.maintenance.sweeps import SWEEPS
from jobs.models import AuditEntry, Job, Queue
from tests.support.fault import kill
from tests.support.stack import Stack
from tests.support.threads import Threads
from tests.support.tokens import bearer_of
from tests.support.waiting import wait_until

ORDERS = 500
CLIENTS = 12
KILLS = 4
ORDER = {"reportType": "yearly-sales", "parameters": {"year": "2023"}}
#: The first request with this key is still being handled; or the database had no room for one more session.
COME_AGAIN = (409, 503)


class Client:
    """Sends orders, each until it is answered, and counts the connections that broke meanwhile."""

    def __init__(self, url: str, token: str) -> None:
        self.url = f"{url}/api/reports"
        self.token = token
        self.broken = 0
        self.until = time.monotonic() + 200
        self.answers: dict[str, str] = {}
        self._of_thread = threading.local()

    def order(self, key: str) -> requests.Response:
        def answer() -> requests.Response | None:
            headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
            try:
                response = self._session().post(self.url, json=ORDER, headers=headers, timeout=30)
            except requests.RequestException:
                self.broken += 1
                return None
            return None if response.status_code in COME_AGAIN else response

        response = wait_until(answer, timeout=max(1, self.until - time.monotonic()), message=f"the order {key}")
        assert response is not None
        assert response.status_code == 202, response.text
        self.answers.setdefault(key, response.json()["id"])
        return response

    def _session(self) -> requests.Session:
        if not hasattr(self._of_thread, "session"):
            self._of_thread.session = requests.Session()
        session: requests.Session = self._of_thread.session
        return session


@pytest.fixture
def two_processes(stack: Stack, live_url: str) -> Iterator[None]:
    """One of them serves while the other is gone, as under `make up`."""
    with stack.web_with(options=["--workers", "2"]):
        wait_until(lambda: len(stack.pool_pids("web")) == 2, timeout=60)
        yield


def busiest(pids: list[int]) -> int:
    """The process with the most connections; 0 if none has any. One that has just started is still loading."""
    connections: dict[int, int] = {}
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            open_ones = psutil.Process(pid).net_connections("tcp")
            connections[pid] = sum(one.status == psutil.CONN_ESTABLISHED for one in open_ones)
    return max(connections, key=lambda pid: connections[pid]) if any(connections.values()) else 0


def test_orders_that_are_repeated_while_web_processes_are_killed_make_one_job_each(
    stack: Stack, live_url: str, two_processes: None
) -> None:
    Queue.objects.update(paused=True)
    client = Client(live_url, bearer_of(User.objects.create_user("ada")))
    keys = [f"order-{number}" for number in range(ORDERS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        sent = [pool.submit(client.order, key) for key in keys]
        for number in range(1, KILLS + 1):
            enough = number * ORDERS // (KILLS + 1)
            wait_until(lambda enough=enough: len(client.answers) >= enough, timeout=120)  # type: ignore[misc]
            kill(wait_until(lambda: busiest(stack.pool_pids("web")), message="a process of the web server is at work"))
        for future in sent:
            future.result()
        replayed = {key: pool.submit(client.order, key) for key in random.sample(keys, 50)}
        for key, again in replayed.items():
            assert again.result().headers["Idempotency-Replayed"] == "true"
            assert again.result().json()["id"] == client.answers[key]
    assert client.broken > 0, "no kill met a request: this test shows nothing"
    made = {job.idempotency_key: str(job.pk) for job in Job.objects.all()}
    assert len(made) == Job.objects.count() == ORDERS
    assert made == client.answers


def test_a_storm_of_cancellations_is_answered_and_written_down_once(transactional_db: None, live_url: str) -> None:
    """A user presses *Cancel* again and again, in 16 windows; the sweeps go on meanwhile."""
    Queue.objects.update(paused=True)
    user = User.objects.create_user("ada")
    headers = {"Authorization": f"Bearer {bearer_of(user)}"}
    jobs = [
        Job.objects.create(
            kind="report", type="yearly-sales", queue="reports", owner=user, payload=ORDER, max_attempts=5
        )
        for _ in range(40)
    ]
    urls = [f"{live_url}/api/reports/{job.pk}" for job in jobs for _ in range(6)]
    random.shuffle(urls)
    with Threads(16) as threads:
        asked = [threads.submit(requests.delete, url, headers=headers, timeout=30) for url in urls]
        for name in ("release_due_jobs", "expire_artifacts", "prune_jobs", "republish_lost_jobs") * 3:
            SWEEPS[name]()
    answers = Counter(future.result().status_code for future in asked)
    assert set(answers) <= {202, 204, 404}, answers
    audited = Counter(AuditEntry.objects.values_list("action", "target_id"))
    assert set(audited.values()) == {1}
    assert audited.total() == 2 * len(jobs), "each is canceled, then deleted"


def test_an_idle_connection_outlasts_that_of_nodes_fetch(stack: Stack, live_url: str) -> None:
    """The server must not close first: a client may be sending just then."""
    client = HTTPConnection(live_url.removeprefix("http://"), timeout=10)
    client.request("GET", "/livez")
    client.getresponse().read()
    closed, _, _ = select([client.sock], [], [], 4.5)
    assert closed == []
    client.close()
