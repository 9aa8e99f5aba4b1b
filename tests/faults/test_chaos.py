"""`make chaos SEED=… JOBS=…`, and a short run of it in every `make test`."""

import os
import secrets
from collections.abc import Iterator

import pytest
from django_celery_beat.models import IntervalSchedule

from tests.support.chaos import WORKERS, run_chaos
from tests.support.fault import Fault
from tests.support.stack import Stack


@pytest.fixture(autouse=True)
def only_the_services_of_the_run(stack: Stack) -> Iterator[None]:
    """The workers of the other tests stand aside, and a tick comes every second."""
    stack.stop("worker-csv")
    IntervalSchedule.objects.update(every=1)
    yield
    for name in (*WORKERS, "beat"):
        if stack.is_running(name):
            stack.stop(name)


def seed() -> int:
    return int(os.environ.get("SEED") or secrets.randbelow(10**6))


def test_a_short_chaos_keeps_all_invariants(fault: Fault) -> None:
    run_chaos(fault, seed=seed(), jobs=40)


@pytest.mark.chaos
def test_chaos_keeps_all_invariants(fault: Fault) -> None:
    run_chaos(fault, seed=seed(), jobs=int(os.environ.get("JOBS") or 300))
