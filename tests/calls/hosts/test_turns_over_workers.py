"""Turns over three processes, against a real host that counts."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from calls.models import Host, Turn
from jobs.context import JobContext
from jobs.models import Job
from tests.support.counting_host import CountingHost, counting_host
from tests.support.host_callers import start_callers
from tests.support.servers import throw_away
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@contextmanager
def callers(
    host: CountingHost, running: Callable[[], JobContext], *, processes: int, threads: int, **how: Any
) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that call the host; those that are left are killed at the end of the block."""
    url = throw_away.database_url(str(connection.settings_dict["NAME"]))
    started = []
    for _ in range(processes):
        jobs = [[str(running().job.pk), 7] for _ in range(threads)]
        started.append(start_callers(url, key=host.key, jobs=jobs, **how))
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


def outcome(process: subprocess.Popen[str]) -> Any:
    found = json.loads(process.communicate()[0])
    assert found["errors"] == []
    return found


def test_three_workers_keep_to_the_limits(running: Callable[[], JobContext]) -> None:
    limits = {"in_flight": 8, "per_second": 50, "seconds": 6}
    with (
        counting_host(seconds=0.05) as host,
        callers(host, running, processes=3, threads=20, **limits) as processes,
    ):
        outcomes = [outcome(process) for process in processes]
    assert host.most_in_flight <= 8
    # What arrives together began apart: 40 ms is what the network and a busy test machine may add up.
    assert host.most_within(1.0) <= 52
    assert len(host.arrivals) == sum(len(each["waits"]) for each in outcomes)
    assert len(host.arrivals) > 100
    assert Host.objects.get().taken == 0
    assert not Turn.objects.exists()


def test_a_host_that_asks_for_it_is_left_alone_and_its_jobs_come_back_at_its_rate(
    running: Callable[[], JobContext],
) -> None:
    limits = {"in_flight": 8, "per_second": 20, "seconds": 12}
    with (
        counting_host(seconds=0.02, headers={"Retry-After": "5"}) as host,
        callers(host, running, processes=2, threads=15, **limits) as processes,
    ):
        wait_until(lambda: len(host.arrivals) > 20)
        host.status = 429
        row = wait_until(lambda: Host.objects.exclude(closed_until=None).first())
        host.status = 200
        closed_at = time.monotonic()
        assert row.closed_until is not None
        opens_at = closed_at + (row.closed_until - timezone.now()).total_seconds()
        for process in processes:
            outcome(process)
    during = [each for each in host.arrivals if closed_at + 1 < each < opens_at - 0.1]
    after = [each for each in host.arrivals if each > opens_at - 0.1]
    assert during == []
    assert len(after) > 20
    assert CountingHost(arrivals=after).most_within(1.0) <= 22


def test_turns_of_a_worker_that_is_killed_come_back(running: Callable[[], JobContext]) -> None:
    with counting_host(seconds=60) as host:
        with callers(host, running, processes=1, threads=3, in_flight=2, per_second=None, seconds=60):
            wait_until(lambda: host.in_flight == 2)
        assert (Host.objects.get().taken, Turn.objects.count()) == (2, 2)
        Job.objects.update(lease_expires_at=Now() - timedelta(seconds=1))
        host.seconds = 0.02
        limits = {"in_flight": 2, "per_second": None, "seconds": 1}
        with callers(host, running, processes=1, threads=1, **limits) as [process]:
            assert len(outcome(process)["waits"]) > 1
    assert host.most_in_flight <= 3  # two of them are in the host's mind only
