"""A Redis that is gone, forgets, or is full: it only rings the doorbell."""

import os
import time
from collections import Counter

import redis
import requests

from examples.sales.seeding import seed_sales
from jobs.dispatch.release import release_jobs
from jobs.models import Attempt, Event, Job, Queue
from jobs.states import State
from tests.support.fault import Fault
from tests.support.messages import messages
from tests.support.outages import restart_valkey, valkey_full, valkey_killed
from tests.support.stack import Stack
from tests.support.tokens import bearer_of
from tests.support.waiting import wait_until


def mend_until_all_succeeded(fault: Fault, *, timeout: float = 60) -> None:
    def all_succeeded() -> bool:
        fault.stack.ensure_workers()  # a worker may end itself when Redis comes back; its supervisor starts it again
        if not messages("reports"):  # mending publishes every unclaimed job again: a slow machine would drown in copies
            fault.mend()
        return not Job.objects.exclude(state=State.SUCCEEDED).exists()

    wait_until(all_succeeded, timeout=timeout, every=0.5, message="all jobs succeed")


def assert_each_ran_once(fault: Fault, jobs: list[Job]) -> None:
    assert Counter(fault.works_done()) == Counter(str(job.pk) for job in jobs)
    assert Attempt.objects.count() == len(jobs)


def test_an_order_while_valkey_is_gone_is_accepted_within_two_seconds(fault: Fault, live_url: str) -> None:
    list(seed_sales(lines=100, using="default"))
    token = bearer_of(fault.owner)
    with valkey_killed():
        started = time.monotonic()
        answer = requests.post(
            f"{live_url}/api/reports",
            json={"reportType": "yearly-sales", "parameters": {"year": "2023"}},
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )
        elapsed = time.monotonic() - started
    assert answer.status_code == 202
    assert elapsed < 2
    mend_until_all_succeeded(fault)
    assert fault.outcomes(Job.objects.get()) == ["succeeded"]


def test_valkey_restarts_five_times_under_load(fault: Fault) -> None:
    jobs = []
    for _ in range(5):
        jobs += [fault.submit("work") for _ in range(12)]
        restart_valkey()
        fault.mend()
    mend_until_all_succeeded(fault)
    assert_each_ran_once(fault, jobs)


def test_a_flushed_valkey_with_a_thousand_messages_loses_no_job(fault: Fault, stack: Stack) -> None:
    Queue.objects.filter(name="reports").update(paused=True, max_running=None)
    payload = {"gate": str(fault.gate), "journal": str(fault.journal)}
    jobs = Job.objects.bulk_create(
        Job(kind="fault-note", queue="reports", owner=fault.owner, payload=payload, max_attempts=5) for _ in range(1000)
    )
    Event.objects.bulk_create(Event(job=job, name="submitted") for job in jobs)
    stack.stop("worker-csv")
    Queue.objects.filter(name="reports").update(paused=False)
    assert len(release_jobs("reports")) + len(release_jobs("reports")) == 1000
    assert len(messages("reports")) == 1000
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.flushall()
    mend_until_all_succeeded(fault, timeout=90)
    assert_each_ran_once(fault, jobs)


def test_a_valkey_out_of_memory_delays_and_loses_nothing(fault: Fault) -> None:
    running = fault.submit("wait")
    fault.writing(running)
    with valkey_full():
        refused = fault.submit("work")
        wait_until(
            lambda: Job.objects.filter(pk=refused.pk, state=State.QUEUED, released_at=None).exists(),
            message="what could not be published waits again",
        )
        fault.open_gate()
        fault.wait_for(running, State.SUCCEEDED)
    mend_until_all_succeeded(fault)
    assert fault.outcomes(running) == fault.outcomes(refused) == ["succeeded"]
