"""Uploads whose worker, server or session goes away, and many uploads at once: each row once, or not at all."""

import random
from pathlib import Path

import psutil
import pytest

from jobs.dispatch.release import release_jobs
from jobs.models import Attempt, Job
from jobs.states import Outcome, State
from tests.support.apps.warehouse.models import Item
from tests.support.fault import Fault, kill
from tests.support.gates import POINTS, gate_at
from tests.support.movements import make_item, moved, order_movement
from tests.support.outages import restart_postgres
from tests.support.uploads import make_upload
from tests.support.waiting import wait_until

UPLOADS, ITEMS = 50, 20


@pytest.fixture(autouse=True)
def item(fault: Fault) -> None:
    make_item(fault.owner)


def kill_process_of(job: Job) -> None:
    pid = Attempt.objects.get(job=job).process_id or 0
    kill(pid)
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), message="the process is gone")


def test_sigkill_at_each_point_of_an_upload(fault: Fault) -> None:
    """The rows are there once, and the job has succeeded once. Whoever dies in COMMIT may have succeeded."""
    for quantity, point in enumerate(POINTS, start=1):
        with gate_at(point) as gate:
            job = order_movement(fault.owner, quantity)
            gate.wait()
            kill_process_of(job)
            gate.open()
            done = fault.mend_until(job, State.SUCCEEDED)
        expected = ["succeeded"] if point == "commit" else ["lost", "succeeded"]
        assert fault.outcomes(job) == expected, point
        assert (done.result or {})["upload"]["rowsInserted"] == 1
        assert moved() == list(range(1, quantity + 1)), point


def test_a_server_that_restarts_and_a_worker_that_is_told_to_stop_in_the_merge(fault: Fault) -> None:
    with gate_at("insert") as gate:
        first = order_movement(fault.owner, 1)
        gate.wait()
        restart_postgres()
        fault.wait_for(first, State.FAILED)
        fault.mend_until(first, State.SUCCEEDED)
    assert fault.outcomes(first) == ["failed", "succeeded"]
    with gate_at("written") as gate:
        second = order_movement(fault.owner, 2)
        gate.wait()
        worker = psutil.Process(fault.stack.pid("worker-csv"))
        worker.terminate()
        worker.wait(20)
        second.refresh_from_db()
        assert (second.state, second.attempt_count, moved()) == (State.QUEUED, 0, [1])
    fault.stack.ensure_workers()
    fault.mend_until(second, State.SUCCEEDED)
    assert fault.outcomes(second) == ["handed_back", "succeeded"]
    assert moved() == [1, 2]


def test_many_uploads_of_the_same_rows_at_once(fault: Fault) -> None:
    """In any order of the rows. Each is written as a whole, none starves, and other work goes on."""
    codes = [f"B-{number}" for number in range(ITEMS)]
    jobs = []
    for price in range(1, UPLOADS + 1):
        random.Random(price).shuffle(codes)
        lines = "".join(f"{code},Nut,{price}\n" for code in codes)
        jobs.append(make_upload(fault.owner, "items", f"Code,Name,Price\n{lines}".encode()))
    Job.objects.update(released_at=None)
    release_jobs("uploads")
    other = fault.submit("work")
    fault.wait_for(other, State.SUCCEEDED)
    assert Job.objects.filter(kind="upload").exclude(state=State.SUCCEEDED).exists()

    def all_ended() -> bool:
        fault.mend()
        return not Job.objects.exclude(state=State.SUCCEEDED).exists()

    wait_until(all_ended, timeout=120, every=0.5, message="all uploads succeed")
    prices = set(Item.objects.filter(name="Nut").values_list("price", flat=True))
    assert len(prices) == 1, "all rows are those of one upload"
    assert Item.objects.filter(name="Nut").count() == ITEMS
    shown = [(job.result or {})["upload"] for job in Job.objects.filter(kind="upload")]
    assert sum(one["rowsInserted"] for one in shown) == ITEMS
    assert sum(one["rowsUpdated"] for one in shown) == ITEMS * (UPLOADS - 1)
    assert set(Attempt.objects.values_list("outcome", flat=True)) <= {Outcome.SUCCEEDED, Outcome.HANDED_BACK}
