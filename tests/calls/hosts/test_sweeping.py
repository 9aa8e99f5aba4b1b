"""Turns of workers that are gone come back, and rows that nobody needs go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.db.models.functions import Now

from calls.hosts.sweeping import forget_hosts, return_lost_turns
from calls.models import Host, Turn
from jobs.context import JobContext
from jobs.models import Job

pytestmark = pytest.mark.django_db(transaction=True)


def test_turns_without_a_lease_are_deleted_and_the_rest_is_counted(running: Callable[[], JobContext]) -> None:
    live, expired = running(), running()
    Job.objects.filter(pk=expired.job.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
    for host in ("a", "b"):
        Host.objects.create(host=host, per_second=1, taken=3)
        for job_id, token in ((live.job.pk, 7), (live.job.pk, 6), (expired.job.pk, 7), (UUID(int=7), 7)):
            Turn.objects.create(host_id=host, job_id=job_id, fencing_token=token)
    Host.objects.create(host="c", taken=5)
    assert return_lost_turns() == 3
    assert list(Host.objects.order_by("host").values_list("host", "taken")) == [("a", 1), ("b", 1), ("c", 0)]
    assert set(Turn.objects.values_list("job_id", "fencing_token")) == {(live.job.pk, 7)}
    assert return_lost_turns() == 0


def test_a_host_that_nobody_declares_is_forgotten_an_hour_after_it_is_open_again() -> None:
    old = Now() - timedelta(hours=2)
    for name, values in {
        "closed": {"closed_until": Now() + timedelta(minutes=1)},
        "broken": {"open_until": Now() + timedelta(minutes=1)},
        "declared": {"declared": True},
        "limited": {"per_second": 1.0},
        "busy": {"taken": 1},
        "open": {"closed_until": old, "open_until": old},
        "failing": {"failures": 3},
        "fresh": {"updated_at": Now()},
    }.items():
        Host.objects.create(**{"host": name, "updated_at": old, **values})
    assert forget_hosts() == 2
    assert set(Host.objects.values_list("host", flat=True)) == {
        "closed", "broken", "declared", "limited", "busy", "fresh"
    }  # fmt: skip
