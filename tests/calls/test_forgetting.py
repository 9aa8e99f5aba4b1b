"""What goes with a call that its owner deletes, and what is deleted or kept by others."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from calls.models import Step
from jobs.files.storage import artifact_storage
from jobs.interventions.dead_letter import requeue_jobs
from jobs.interventions.purging import purge_jobs
from jobs.maintenance.history import prune_jobs
from jobs.models import Artifact, Job
from jobs.states import State
from tests.support.ordered_calls import called, called_for_text

pytestmark = pytest.mark.django_db


def files_of(job: Job) -> list[bool]:
    """Whether each file of a job is in storage, by role."""
    names = Artifact.objects.filter(job=job).order_by("role").values_list("storage_name", flat=True)
    return [is_stored(name) for name in names]


def is_stored(name: str) -> bool:
    try:
        return artifact_storage().size(name) > 0
    except FileNotFoundError:
        return False


def test_a_deleted_call_leaves_no_step_no_file_and_no_result(
    owner: User, django_capture_on_commit_callbacks: object
) -> None:
    small, large, failed, other = called(owner, 1), called_for_text(owner, 300_000), called(owner, 13), called(owner, 2)
    assert files_of(large) == [True, True]  # its result, and that of its step
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        purge_jobs([small.pk, large.pk, failed.pk], actor="ada")
    assert Step.objects.exclude(job=other).count() == 0
    assert Step.objects.filter(job=other).count() == 3
    assert files_of(large) == [False, False]
    assert list(Artifact.objects.filter(deleted_at=None)) == []
    results = [Job.objects.get(pk=job.pk).result for job in (small, large, other)]
    assert results == [{}, {}, other.result]
    assert Job.objects.get(pk=failed.pk).result == failed.result  # for the staff: why it failed


def test_the_history_deletes_the_steps_of_all_calls_at_once(owner: User) -> None:
    def prune(*jobs: Job) -> int:
        old = Now() - timedelta(days=settings.HISTORY_DAYS + 1)
        Job.objects.filter(pk__in=[job.pk for job in jobs]).update(finished_at=old)
        Artifact.objects.update(deleted_at=Now())
        with CaptureQueriesContext(connection) as asked:
            assert prune_jobs() == len(jobs)
        return len(asked)

    for_one = prune(called(owner, 1))
    assert prune(called_for_text(owner, 300_000), *(called(owner, number) for number in range(3))) <= for_one + 2
    assert (Job.objects.count(), Step.objects.count(), Artifact.objects.count()) == (0, 0, 0)


def test_a_requeued_call_keeps_its_steps_and_their_files(owner: User) -> None:
    job = called_for_text(owner, 300_000)
    Job.objects.filter(pk=job.pk).update(state=State.DEAD)
    assert requeue_jobs([job.pk], actor="root", reason="again").changed == [job.pk]
    [step] = Step.objects.filter(job=job).select_related("artifact")
    assert (step.outcome, step.artifact and step.artifact.deleted_at) == ("done", None)
    assert step.artifact is not None
    assert is_stored(step.artifact.storage_name)
