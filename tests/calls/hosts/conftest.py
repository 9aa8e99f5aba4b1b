"""A gatekeeper of its own for each test, and jobs that run."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from calls.hosts import gatekeeper
from calls.models import Host
from jobs.context import JobContext
from jobs.models import Attempt, Job
from jobs.states import State


@pytest.fixture(autouse=True)
def own_gatekeeper(transactional_db: None) -> gatekeeper.Gatekeeper:
    gatekeeper._of_processes.clear()
    Host.objects.all().delete()  # those that bundled call types declare
    return gatekeeper.gatekeeper()


@pytest.fixture
def running(owner: User) -> Callable[[], JobContext]:
    """The context of a job that runs."""

    def make() -> JobContext:
        lease = timezone.now() + timedelta(hours=1)
        job = Job.objects.create(
            kind="call", queue="calls", owner=owner, payload={}, max_attempts=5, state=State.RUNNING, fencing_token=7,
            lease_expires_at=lease, started_at=timezone.now(),
        )  # fmt: skip
        return JobContext(Attempt(job=job, number=1, fencing_token=7), lease_seconds=3600)

    return make
