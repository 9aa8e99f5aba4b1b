"""Code of a type that ends its process or never returns, asked for its cost: it costs an answer and no worker."""

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from jobs.interventions.inquiries import submit_cost_inquiry
from jobs.models import Job
from jobs.states import State
from tabular.dialect import Dialect
from tests.support.stack import Stack
from tests.support.waiting import wait_until


def dead_report(owner: User, how: str) -> Job:
    payload = {"reportType": "unruly", "parameters": {"how": how}, "csv": Dialect().to_payload()}
    return Job.objects.create(
        kind="report", type="unruly", queue="reports", owner=owner, payload=payload, max_attempts=5,
        state=State.DEAD, finished_at=Now(),
    )  # fmt: skip


@pytest.mark.parametrize(("how", "outcome"), [("kill", "killed"), ("eat", "undecided"), ("behave", "answered")])
def test_the_worker_outlives_the_code(how: str, outcome: str, stack: Stack, owner: User) -> None:
    worker = stack.pid("worker-io")
    submit_cost_inquiry(dead_report(owner, how), actor=owner)
    inquiry = wait_until(lambda: Job.objects.filter(kind="inquiry", state=State.SUCCEEDED).first(), timeout=60)
    assert inquiry is not None
    assert inquiry.result is not None
    assert (inquiry.result["outcome"], inquiry.attempts.count()) == (outcome, 1)
    assert stack.pid("worker-io") == worker
