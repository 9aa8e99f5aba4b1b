"""Actions of the list: one confirmation page each."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs.models import AuditEntry, Job
from jobs.states import State

pytestmark = pytest.mark.django_db
LIST = "/admin/jobs/job/"


def posted(action: str, *jobs: Job, **more: str) -> dict[str, Any]:
    return {"action": action, "_selected_action": [str(job.pk) for job in jobs], **more}


def states(*jobs: Job) -> list[str]:
    return [Job.objects.get(pk=job.pk).state for job in jobs]


@pytest.mark.parametrize(
    ("action", "state"), [("requeue_jobs", "queued"), ("discard_jobs", "cancelled"), ("cancel_jobs", "cancelled")]
)
def test_each_action_asks_first_and_then_does_its_work(
    staff: Client, dead_job: Callable[..., Job], action: str, state: str
) -> None:
    jobs = [dead_job(), dead_job()]
    asked = staff.post(LIST, posted(action, *jobs))
    assert asked.status_code == 200
    assert states(*jobs) == ["dead", "dead"]
    assert all(f'name="_selected_action" value="{job.pk}"' in asked.content.decode() for job in jobs)
    done = staff.post(LIST, posted(action, *jobs, post="yes", reason="fixed"), follow=True)
    assert states(*jobs) == [state, state]
    assert "2 jobs " in done.content.decode()
    assert set(AuditEntry.objects.values_list("actor", "action", "reason")) == {("root", action.split("_")[0], "fixed")}


def test_without_a_reason_nothing_is_done(staff: Client, dead_job: Callable[..., Job]) -> None:
    job = dead_job()
    asked = staff.post(LIST, posted("requeue_jobs", job, post="yes", reason="  "))
    assert "This field is required." in asked.content.decode()
    assert states(job) == ["dead"]


def test_refused_jobs_stay_and_the_reason_is_told(staff: Client, dead_job: Callable[..., Job]) -> None:
    good, running, odd = dead_job(), dead_job(state=State.RUNNING), dead_job(kind="gone")
    asked = staff.post(LIST, posted("requeue_jobs", good, running, odd)).content.decode()
    assert "No installed app registers the kind gone." in asked
    done = staff.post(LIST, posted("requeue_jobs", good, running, odd, post="yes", reason="r"), follow=True)
    text = done.content.decode()
    assert states(good, running, odd) == ["queued", "running", "dead"]
    assert "1 job requeued." in text
    assert f"{running.pk} was not requeued: It is running" in text
    assert f"{odd.pk} was not requeued: No installed app registers the kind gone." in text


def test_a_job_that_ran_and_died_again_since_the_page_was_made_is_left_alone(
    staff: Client, dead_job: Callable[..., Job]
) -> None:
    job = dead_job(fencing_token=3)
    page = staff.post(LIST, posted("requeue_jobs", job)).content.decode()
    assert f'name="seen-{job.pk}" value="3"' in page
    Job.objects.update(fencing_token=4)
    staff.post(LIST, posted("requeue_jobs", job, post="yes", reason="r", **{f"seen-{job.pk}": "3"}))
    assert states(job) == ["dead"]


def test_one_job_goes_back_to_its_page(staff: Client, dead_job: Callable[..., Job]) -> None:
    job = dead_job()
    done = staff.post(LIST, posted("discard_jobs", job, post="yes", reason="r"))
    assert done["Location"] == reverse("admin:jobs_job_change", args=[job.pk])


def test_a_running_job_is_asked_to_end(staff: Client, make_job: Callable[..., Job]) -> None:
    job = make_job(state=State.RUNNING, lease_expires_at=Now())
    staff.post(LIST, posted("cancel_jobs", job, post="yes", reason="r"))
    assert Job.objects.get().cancel_requested_at is not None


def test_the_confirmation_takes_as_many_queries_for_twenty_jobs_as_for_two(
    staff: Client, dead_job: Callable[..., Job]
) -> None:
    jobs = [dead_job(payload={"number": number}) for number in range(20)]
    staff.post(LIST, posted("requeue_jobs", *jobs[:2]))
    with CaptureQueriesContext(connection) as two:
        staff.post(LIST, posted("requeue_jobs", *jobs[:2]))
    with CaptureQueriesContext(connection) as twenty:
        staff.post(LIST, posted("requeue_jobs", *jobs))
    assert len(twenty) == len(two)
