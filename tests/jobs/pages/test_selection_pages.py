"""Actions on several jobs of a list: the confirmation, and what is told afterwards."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from jobs.models import AuditEntry, Job, Queue
from jobs.states import State
from tests.support.page_text import words

pytestmark = pytest.mark.django_db

MakeJob = Callable[..., Job]
UNKNOWN = "01900000-0000-7000-8000-000000000000"


def act(client: Client, action: str, *jobs: Job | str, back: str = "") -> str:
    """What the list tells after a confirmed action."""
    ids = [str(job.pk) if isinstance(job, Job) else job for job in jobs]
    answer = client.post("/reports/selected", {"action": action, "job": ids, "back": back}, follow=True)
    assert answer.redirect_chain == [(f"/reports?{back}" if back else "/reports", 302)]
    assert answer.status_code == 200
    return " | ".join(str(message) for message in answer.context["messages"])


def test_the_confirmation_changes_nothing_and_names_the_jobs(
    signed_in: Client, make_job: MakeJob, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    jobs = [make_job(), make_job(parameters={"year": 1999})]
    query = "&".join(f"job={job.pk}" for job in jobs)
    with django_assert_num_queries(6):  # session, user, preferences, jobs, the queue (two)
        page = signed_in.get(f"/reports/selected?action=cancel&{query}&back=status%3DQueued")
    assert "Cancel these 2 reports?" in words(page)
    assert "Year 1999" in words(page)
    assert "Cancel 2 reports Go back" in words(page)
    assert '<input type="hidden" name="back" value="status=Queued">' in page.content.decode()
    assert set(Job.objects.values_list("state", flat=True)) == {State.QUEUED}


def test_jobs_are_canceled_and_those_that_have_ended_are_told(
    signed_in: Client, owner: User, make_job: MakeJob
) -> None:
    queued, running, asked, done, dead = (
        make_job(), make_job(State.RUNNING), make_job(State.RUNNING, cancel_requested_at=timezone.now()),
        make_job(State.SUCCEEDED), make_job(State.DEAD, of="customers"),
    )  # fmt: skip
    told = act(signed_in, "cancel", queued, running, asked, done, dead, UNKNOWN, back="status=Queued&type=customers")
    assert told == (
        "2 reports were canceled. | Left as they are: Customers, Yearly sales. Already ended. | "
        "Left as it is: Yearly sales. Already being canceled. | 1 was not found."
    )
    states = dict(Job.objects.values_list("pk", "state"))
    assert (states[queued.pk], states[done.pk], states[dead.pk]) == (State.CANCELLED, State.SUCCEEDED, State.DEAD)
    running.refresh_from_db()
    assert running.cancel_requested_at is not None
    assert AuditEntry.objects.filter(actor="ada", action="cancel").count() == 2


def test_jobs_are_deleted_except_active_ones(signed_in: Client, make_job: MakeJob) -> None:
    ended, dead, active = make_job(State.CANCELLED), make_job(State.DEAD), make_job()
    told = act(signed_in, "delete", ended, dead, active)
    assert told == "2 reports were deleted. | Left as it is: Yearly sales. Not ended yet. Cancel it first."
    assert list(Job.objects.exclude(owner=None)) == [active]


def test_jobs_are_tried_again_unless_that_is_refused(signed_in: Client, make_job: MakeJob) -> None:
    dead, queued, wrong = make_job(State.DEAD), make_job(), make_job(State.DEAD, parameters={"year": 1})
    told = act(signed_in, "retry", dead, queued, wrong)
    assert told == (
        "1 report is queued again. | Left as it is: Yearly sales. Its parameters are no longer valid. "
        "Order a new report with other parameters. | Left as it is: Yearly sales. Not failed."
    )
    assert set(Job.objects.filter(state=State.QUEUED)) == {dead, queued}
    Queue.objects.filter(name="reports").update(accepting=False)
    Job.objects.update(state=State.DEAD)
    assert act(signed_in, "retry", dead) == (
        "Left as it is: Yearly sales. The queue reports is closed: new orders are not accepted at the moment."
    )


@pytest.mark.parametrize("action", ["cancel", "retry", "delete"])
def test_jobs_of_others_are_as_unknown_ones(signed_in: Client, make_job: MakeJob, action: str) -> None:
    foreign = make_job(State.DEAD if action == "retry" else State.QUEUED, owner=User.objects.create_user("bob"))
    assert act(signed_in, action, foreign) == act(signed_in, action, UNKNOWN) == "1 was not found."
    assert signed_in.get(f"/reports/selected?action={action}&job={foreign.pk}").status_code == 404
    before = foreign.state
    foreign.refresh_from_db()
    assert (foreign.state, foreign.cancel_requested_at) == (before, None)


def test_an_empty_selection_is_told(signed_in: Client) -> None:
    answer = signed_in.get("/reports/selected?action=delete&back=status%3DFailed", follow=True)
    assert answer.redirect_chain == [("/reports?status=Failed", 302)]
    assert "No report was selected. Tick the boxes of some reports first." in words(answer)


def test_the_way_back_stays_in_the_list(signed_in: Client) -> None:
    for back in ("//evil.example/", "x=y&next=https://evil.example/", "%0d%0aX: y"):
        answer = signed_in.get("/reports/selected", {"back": back})
        assert (answer.status_code, answer["Location"]) == (302, "/reports")


@pytest.mark.parametrize("query", ["action=explode", "action=cancel&job=no-id", "action=cancel&job=" + UNKNOWN])
def test_nonsense_is_not_found(signed_in: Client, query: str) -> None:
    assert signed_in.get(f"/reports/selected?{query}").status_code == 404


def test_no_more_than_a_page_is_taken_at_once(signed_in: Client, make_job: MakeJob) -> None:
    ids = [str(make_job().pk) for _ in range(21)]
    assert signed_in.post("/reports/selected", {"action": "cancel", "job": ids}).status_code == 404
    assert set(Job.objects.values_list("state", flat=True)) == {State.QUEUED}


def test_a_user_who_had_to_sign_in_again_is_back_at_the_list(client: Client, signed_in: Client) -> None:
    signed_in.logout()
    answer = client.post("/reports/selected", {"action": "cancel", "job": [UNKNOWN]})
    assert answer["Location"] == "/sign-in?next=/reports/selected"
    client.force_login(User.objects.get())
    assert client.get("/reports/selected")["Location"] == "/reports"
