"""What clients are told while the web server cannot use PostgreSQL, in each way in which it may be away."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial

import pytest
import requests
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from jobs.models import Job
from jobs.postgres.probing import Probe
from tests.support.outages import locked, postgres_full, postgres_hung, postgres_killed, postgres_read_only
from tests.support.stack import Stack
from tests.support.tokens import bearer_of
from tests.support.waiting import wait_until

logger = logging.getLogger(__name__)

#: What the web server of these tests runs with. Seconds.
BOUND = 3
#: What a busy machine may add to it. Seconds.
SLACK = 7
AT_ONCE = 50
ORDER = {"reportType": "yearly-sales", "parameters": {"year": 2023}}

Ask = Callable[[], requests.Response]


@dataclass(frozen=True)
class Asked:
    """An answer, or None for none in time, and how long it took."""

    name: str
    answer: requests.Response | None
    seconds: float


class Visitor:
    """Asks for everything that a client, a user and staff look at."""

    def __init__(self, stack: Stack, *, owner: User, staff: User) -> None:
        url = stack.url
        self.log = partial(stack.log, "web")
        bearer = {"Authorization": f"Bearer {bearer_of(owner)}"}
        get = partial(requests.get, timeout=BOUND + SLACK, allow_redirects=False)
        self.livez: Ask = partial(get, f"{url}/livez", cookies=session_of(owner))
        self.asks: dict[str, Ask] = {
            "order": partial(requests.post, f"{url}/api/reports", json=ORDER, headers=bearer, timeout=BOUND + SLACK),
            "page": partial(get, f"{url}/", cookies=session_of(owner)),
            "admin": partial(get, f"{url}/admin/jobs/job/", cookies=session_of(staff)),
        }
        #: The ids of all orders that were answered with 202.
        self.accepted: set[str] = set()
        order = self.ask("order").answer
        assert order is not None
        self.asks["status"] = partial(get, url + order.headers["Location"], headers=bearer)

    def ask(self, name: str) -> Asked:
        began = time.monotonic()
        try:
            answer = self.asks[name]() if name != "livez" else self.livez()
        except requests.RequestException:
            answer = None
        if answer is not None and answer.status_code == 202:
            self.accepted.add(answer.json()["id"])
        return Asked(name, answer, time.monotonic() - began)

    def all_is_well(self) -> bool:
        answers = [self.ask(name).answer for name in self.asks]
        return all(answer is not None and answer.status_code < 500 for answer in answers)


def session_of(user: User) -> dict[str, str]:
    client = Client()
    client.force_login(user)
    return {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}


@pytest.fixture(scope="module")
def web(all_services: Stack) -> Iterator[Stack]:
    """A web server of its own, which is told to wait for PostgreSQL for a short time only."""
    own = Stack(all_services.folder, database_url=all_services.environment["DATABASE_URL"])
    own.environment["REQUEST_DATABASE_TIMEOUT_SECONDS"] = str(BOUND)
    own.ensure_web()
    yield own
    own.stop_all()


@pytest.fixture
def visitor(durable: None, web: Stack) -> Iterator[Visitor]:
    staff = User.objects.create_superuser("staff")
    visitor = Visitor(web, owner=User.objects.create_user("visitor"), staff=staff)
    wait_until(visitor.all_is_well, message="all is well before")
    yield visitor
    wait_until(visitor.all_is_well, message="all is well again")


@contextmanager
def probing(visitor: Visitor) -> Iterator[list[Asked]]:
    """Ask whether the web server lives, again and again."""
    answers: list[Asked] = []
    over = threading.Event()

    def probe() -> None:
        answers.append(visitor.ask("livez"))
        while not over.wait(0.2):
            answers.append(visitor.ask("livez"))

    with ThreadPoolExecutor(1) as threads:
        threads.submit(probe)
        try:
            yield answers
        finally:
            over.set()


def is_a_503(asked: Asked) -> bool:
    answer = asked.answer
    if answer is None or answer.status_code != 503:
        return False
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    if asked.name in ("page", "admin"):
        assert answer.headers["Content-Type"].startswith("text/html")
    else:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] in ("database-unavailable", "server-busy")
    return True


#: The outage, and what is answered all the same, if not each time: many ask at once for few threads.
OUTAGES: dict[str, tuple[Callable[[], AbstractContextManager[None]], set[str]]] = {
    "killed": (postgres_killed, set()),
    "silent": (postgres_hung, set()),
    "out of connections": (postgres_full, set()),
    "read-only": (postgres_read_only, {"status", "page", "admin"}),
    "table locked": (partial(locked, "LOCK TABLE jobs_job"), set()),
    "accounts locked": (partial(locked, "LOCK TABLE auth_user, jobs_apitoken"), set()),
    "queue locked": (
        partial(locked, "SELECT FROM jobs_queue WHERE name = 'reports' FOR UPDATE"),
        {"order", "status", "page", "admin"},
    ),
    # The page and the status say when a report that waits is expected to end.
    "estimates locked": (partial(locked, "LOCK TABLE jobs_recentruns"), {"order", "admin"}),
}


def test_a_probe_waits_no_longer_than_it_is_told_to(transactional_db: None) -> None:
    probe = Probe()
    assert probe.answers(within=10)
    with postgres_hung(), ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: probe.answers(within=0.5), range(4))) == [False] * 4
        assert [thread.name for thread in threading.enumerate()].count("database-probe") == 1
    wait_until(lambda: probe.answers(within=1), message="it answers again")


@pytest.mark.parametrize("outage", OUTAGES)
def test_each_request_is_told_to_come_back(outage: str, visitor: Visitor) -> None:
    hurt, answered = OUTAGES[outage]
    logged = len(visitor.log())
    names = (list(visitor.asks) * AT_ONCE)[:AT_ONCE]
    with hurt(), probing(visitor) as probes, ThreadPoolExecutor(AT_ONCE) as threads:
        asked = list(threads.map(visitor.ask, names))
    began = time.monotonic()
    wait_until(visitor.all_is_well, timeout=5 + SLACK, message="all is well again")
    logger.info(
        "%s: slowest %s %.1f s, slowest probe of %d %.1f s, well after %.1f s",
        outage,
        *max((one.name, one.seconds) for one in sorted(asked, key=lambda one: one.seconds)[-1:]),
        len(probes),
        max(one.seconds for one in probes),
        time.monotonic() - began,
    )
    orders = {str(pk) for pk in Job.objects.values_list("pk", flat=True)}
    assert orders == visitor.accepted, "what was accepted is answered with 202, and nothing else"
    for one in asked:
        # 429: others of these clients have asked for the status before.
        has_answer = one.answer is not None and one.answer.status_code in (200, 202, 429)
        assert has_answer or is_a_503(one), (one.name, one.seconds, one.answer is not None and one.answer.text[:300])
        assert one.seconds < BOUND + SLACK
    for name in answered:
        assert any(one.name == name and not is_a_503(one) for one in asked), f"nobody got the answer to {name}"
    assert "request_failed" not in visitor.log()[logged:], "each is logged as a 503, without a traceback"
    for probe in probes:
        assert probe.answer is not None
        assert probe.answer.status_code == 200
        assert probe.seconds < 1 + SLACK / 2
