"""Places in a queue that the process remembers. `test_queue_position` compares them with those that are read."""

from collections.abc import Callable

import pytest
from django.db.models.functions import Now
from pytest_django import DjangoAssertNumQueries

from jobs.dispatch import remembered_queue as module
from jobs.dispatch.remembered_queue import RememberedQueue, remembered_queue
from jobs.estimates.estimate import estimate
from jobs.models import Job
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
    assert estimate(jobs[2], is_poll=True).place == 3


def test_nothing_is_ahead_of_a_job_that_was_handed_out_meanwhile(
    waiting: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBERED_SECONDS", 3600.0)
    [ada] = people(1)
    jobs = [waiting(owner=ada) for _ in range(3)]
    assert [estimate(job, is_poll=True).place for job in jobs] == [1, 2, 3]
    Job.objects.filter(pk=jobs[2].pk).update(released_at=Now())
    assert estimate(jobs[2], is_poll=True).place == 1
    assert estimate(waiting(owner=ada), is_poll=True).place == 4, "behind all that are remembered"
