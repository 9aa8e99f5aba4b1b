"""The wall clock of all services jumps by two hours, forward and back, while jobs run; PostgreSQL's does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from django_celery_beat.models import IntervalSchedule

from config.stack.datafolder import BASE_DIR
from jobs.models import Job, Sweep
from jobs.states import State
from tests.support.fault import Fault
from tests.support.stack import WORKERS, Stack
from tests.support.tokens import bearer_of
from tests.support.waiting import wait_until
from tests.support.worker_clock import log_time, renewed_twice

JUMP_SECONDS = 7200
SERVICES = ("worker-csv", "worker-io", "beat")
ORDER = {"reportType": "slow-rows", "parameters": {"rows": 3, "seconds": 0}}


class Clock:
    """The wall clock of the services."""

    def __init__(self, file: Path, stack: Stack) -> None:
        self.file = file
        self.stack = stack
        self.jump_to(0)

    @property
    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": str(BASE_DIR / "tests/support/clock"), "CLOCK_FILE": str(self.file)}

    def jump_to(self, seconds: int) -> None:
        """From now on it is off by so many seconds."""
        new = self.file.with_suffix(".new")
        new.write_text(str(seconds))
        new.replace(self.file)


@pytest.fixture
def clock(stack: Stack, tmp_path: Path) -> Iterator[Clock]:
    """All services follow it; those of the other tests stand aside."""
    clock = Clock(tmp_path / "clock", stack)
    for name in (*WORKERS, "web"):
        if stack.is_running(name):
            stack.stop(name)
    IntervalSchedule.objects.update(every=1)
    for name in (*SERVICES, "web"):
        stack.start(name, **clock.environment)
    stack.ensure_workers()
    stack.ensure_web()
    yield clock
    for name in (*SERVICES, "web"):
        if stack.is_running(name):
            stack.stop(name)


def worked_at(fault: Fault, works: list[Job], seconds: int) -> bool:
    """Let the worker do and log one more job, added to `works`; whether its clock is off by so many seconds."""
    works.append(fault.submit("work"))
    fault.wait_for(works[-1], State.SUCCEEDED)
    off_by = (log_time(fault, "worker-csv") - datetime.now(UTC)).total_seconds()
    return abs(off_by - seconds) < 100


def status_of(url: str, headers: dict[str, str]) -> dict[str, Any]:
    """The status; nothing where the answer is to ask again soon."""
    answer = requests.get(url, headers=headers, timeout=10)
    if answer.status_code == 429:
        assert int(answer.headers["Retry-After"]) <= 60
        return {}
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_a_jump_of_the_clock_loses_nothing_doubles_nothing_and_steals_no_lease(clock: Clock, fault: Fault) -> None:
    headers = {"Authorization": f"Bearer {bearer_of(fault.owner)}"}
    held = fault.submit("wait")
    fault.writing(held)
    works: list[Job] = []
    for seconds in (JUMP_SECONDS, 0):
        started_at = Job.objects.get(pk=held.pk).updated_at
        clock.jump_to(seconds)
        works.extend(fault.submit("work") for _ in range(5))
        for job in works[-5:]:
            fault.wait_for(job, State.SUCCEEDED)
        # These five may end before the worker looks at its clock, and an idle worker logs nothing: go on until it has.
        wait_until(
            lambda seconds=seconds: worked_at(fault, works, seconds),  # type: ignore[misc]
            message="the clock has jumped; otherwise this test shows nothing",
        )
        ordered = requests.post(f"{fault.stack.url}/api/reports", json=ORDER, headers=headers, timeout=10)
        assert ordered.status_code == 202, ordered.text
        status = fault.stack.url + ordered.headers["Location"]
        wait_until(lambda url=status: status_of(url, headers).get("status") == "Complete", every=0.5)  # type: ignore[misc]
        lease = Job.objects.get(pk=held.pk).lease_expires_at
        assert lease is not None
        wait_until(lambda lease=lease: renewed_twice(held.pk, lease), message="the lease is renewed")  # type: ignore[misc]
        for sweep in ("rescue_orphaned_jobs", "retry_failed_jobs"):
            ran = Sweep.objects.filter(name=sweep, last_finished_at__gt=started_at)
            since = ran.values_list("last_finished_at", flat=True).get()
            wait_until(
                lambda ran=ran, since=since: ran.filter(last_finished_at__gt=since).exists(),  # type: ignore[misc]
                message=f"Beat goes on with {sweep} after a jump to {seconds}",
            )
        assert fault.outcomes(held) == [""]
    fault.open_gate()
    fault.wait_for(held, State.SUCCEEDED)
    assert fault.outcomes(held) == ["succeeded"]
    assert sorted(fault.works_done()) == sorted(str(job.pk) for job in works)
