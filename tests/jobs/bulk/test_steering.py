"""What people do with bulk runs."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs.bulk.steering import (
    AlreadyOpenError,
    drop_run,
    pause_run,
    resume_run,
    skip_canary,
    start_run,
    undo_run,
)
from jobs.errors import TransitionError
from jobs.interventions.selection import UnknownCriterionError
from jobs.models import Job
from jobs.models.bulk import BulkRun, Stage
from jobs.states import State
from tests.support.bulk_legs import leg, order

pytestmark = pytest.mark.django_db


def test_the_same_order_is_open_once(actor: User, dead_job: Callable[..., Job]) -> None:
    run = order(actor)
    with pytest.raises(AlreadyOpenError) as raised:
        order(actor, reason="pressed again")
    assert raised.value.run == run
    order(actor, criteria={"state": "failed"})
    drop_run(run, actor=actor)
    assert order(actor) != run


def test_a_second_press_changes_nothing(actor: User, dead_job: Callable[..., Job]) -> None:
    run = order(actor)
    leg(run)
    start_run(run, actor=actor, with_canary=False)
    with pytest.raises(TransitionError):
        start_run(run, actor=actor, with_canary=False)
    assert Job.objects.filter(kind="bulk", state=State.QUEUED).count() == 1


@pytest.mark.parametrize("press", [pause_run, resume_run, undo_run])
def test_what_does_not_fit_the_stage_is_refused(actor: User, press: Callable[..., None]) -> None:
    run = order(actor)
    with pytest.raises(TransitionError, match="the run is checking"):
        press(run, actor=actor)
    assert BulkRun.objects.get().stage == Stage.CHECKING


def test_only_requeueing_can_be_undone(actor: User) -> None:
    run = order(actor, act=BulkRun.Act.DISCARD)
    with pytest.raises(TransitionError, match="only a requeue"):
        undo_run(run, actor=actor)


@pytest.mark.parametrize(
    ("options", "error"), [({"reason": " "}, ValueError), ({"criteria": {"colour": "red"}}, UnknownCriterionError)]
)
def test_an_order_that_says_too_little_is_refused(actor: User, options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        order(actor, **options)
    assert not BulkRun.objects.exists()


def test_a_paused_run_still_waits_for_its_canary(actor: User, dead_job: Callable[..., Job]) -> None:
    jobs = [dead_job(), dead_job()]
    run = order(actor)
    leg(run)
    start_run(run, actor=actor, with_canary=True)
    BulkRun.objects.filter(pk=run.pk).update(canary=jobs[0].pk)
    run.refresh_from_db()
    pause_run(run, actor=actor)
    resume_run(run, actor=actor)
    assert run.stage == Stage.CANARY
    pause_run(run, actor=actor)
    skip_canary(run, actor=actor)
    assert run.stage == Stage.RUNNING
    pause_run(run, actor=actor)
    Job.objects.filter(pk=jobs[0].pk).update(state=State.SUCCEEDED)
    resume_run(run, actor=actor)
    assert BulkRun.objects.get().stage == Stage.RUNNING
