"""Places in a queue that the process remembers. `test_queue_position` compares them with those that are read."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now
from django.test import TestCase
from pytest_django import DjangoAssertNumQueries

from jobs.dispatch import remembered_queue as module
from jobs.dispatch.remembered_queue import RememberedQueue, remembered_for_order, remembered_queue
from jobs.dispatch.submission import submit_job
from jobs.estimates.estimate import estimate
from jobs.models import Job, Queue
from tests.support.people import people

pytestmark = pytest.mark.django_db


def test_a_queue_is_read_once_while_it_is_remembered(
    waiting: Callable[..., Job], monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(module, "REMEMBERED_SECONDS", 3600.0)
    [ada] = people(1)
    jobs = [waiting(owner=ada) for _ in range(3)]
    with django_assert_num_queries(1):
        ahead = [remembered_queue(job.queue).find_ahead(job) for job in jobs]
    assert [sum(one.jobs for one in those) for those in ahead] == [0, 1, 2]
    Job.objects.filter(pk=jobs[0].pk).update(released_at=Now())
    assert sum(one.jobs for one in remembered_queue(jobs[2].queue).find_ahead(jobs[2])) == 2, "as it was"
    monkeypatch.setattr(module, "REMEMBERED_SECONDS", 0.0)
    assert sum(one.jobs for one in remembered_queue(jobs[2].queue).find_ahead(jobs[2])) == 1


def test_more_than_a_few_are_not_remembered(waiting: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW", 2)
    [ada] = people(1)
    jobs = [waiting(owner=ada) for _ in range(2)]
    assert RememberedQueue(jobs[0].queue).is_known
    jobs.append(waiting(owner=ada))
    assert not RememberedQueue(jobs[0].queue).is_known
    assert estimate(jobs[2], remembered=remembered_queue).place == 3


def test_nothing_is_ahead_of_a_job_that_was_handed_out_meanwhile(
    waiting: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBERED_SECONDS", 3600.0)
    [ada] = people(1)
    jobs = [waiting(owner=ada) for _ in range(3)]
    assert [estimate(job, remembered=remembered_queue).place for job in jobs] == [1, 2, 3]
    Job.objects.filter(pk=jobs[2].pk).update(released_at=Now())
    assert estimate(jobs[2], remembered=remembered_queue).place == 1
    assert estimate(waiting(owner=ada), remembered=remembered_queue).place == 4, "behind all that are remembered"


def test_an_order_reads_the_queue_only_if_another_one_came_before(
    waiting: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBERED_SECONDS", 3600.0)
    queue = waiting().queue
    assert remembered_for_order(queue) is None, "a single order reads its place only"
    known = remembered_for_order(queue)
    assert known is not None
    assert (known.is_known, remembered_for_order(queue), remembered_queue(queue)) == (True, known, known)
    monkeypatch.setattr(module, "REMEMBERED_SECONDS", 0.0)
    assert remembered_for_order(queue) is None


def test_an_order_counts_those_of_its_process(
    waiting: Callable[..., Job], kind_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBERED_SECONDS", 3600.0)
    ada, grace = people(2)
    kind_of(lambda context: None)
    first = waiting(owner=ada)
    Queue.objects.filter(name=first.queue).update(paused=True)
    assert remembered_queue(first.queue).is_known

    def order(owner: User, *, priority: int = 0) -> Job:
        return submit_job(kind="test", owner=owner, payload={}, queue=first.queue, priority=priority)

    def place(job: Job) -> int | None:
        return 1 + sum(one.jobs for one in remembered_queue(job.queue).find_ahead(job))

    with TestCase.captureOnCommitCallbacks(execute=True):
        jobs = [order(ada), order(ada), order(grace), order(grace, priority=1)]
    assert [place(job) for job in (first, *jobs)] == [3, 4, 5, 3, 1]
    with TestCase.captureOnCommitCallbacks(execute=True), suppress(RuntimeError), transaction.atomic():
        order(ada)
        raise RuntimeError
    assert place(order(ada)) == 6, "what was rolled back does not count"
