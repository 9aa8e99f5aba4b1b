"""What the pages answer: whose they are, what they say of a report in each state, what they cost."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework import serializers

from jobs.events import record_event
from jobs.models import Artifact, Event, Job, Queue, RecentRuns
from jobs.states import State
from tests.support.page_text import words

pytestmark = pytest.mark.django_db

MakeJob = Callable[..., Job]
UNKNOWN = "01900000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/home/live",
        "/search",
        "/reports",
        "/reports/live",
        "/reports/selected",
        "/reports/new",
        f"/reports/{UNKNOWN}",
        f"/reports/{UNKNOWN}/live",
    ],
)
def test_who_is_not_signed_in_is_led_to_the_sign_in(client: Client, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response["Location"]) == (302, f"/sign-in?next={path}")


def test_a_foreign_an_unknown_and_a_malformed_id_look_the_same(signed_in: Client, make_job: MakeJob) -> None:
    foreign = make_job(owner=User.objects.create_user("bob"))
    for path in ("/reports/{}", "/reports/{}/live", "/reports/new?like={}"):
        answers = [signed_in.get(path.format(job_id)) for job_id in (foreign.pk, UNKNOWN, "no-id")]
        assert [answer.status_code for answer in answers] == [404] * 3
        assert {words(answer) for answer in answers} == {words(answers[0])}
        assert "Page not found" in words(answers[0])
    for path in ("/", "/reports", "/search?q=yearly"):
        assert "Year 2023" not in words(signed_in.get(path))


def test_a_queued_report_tells_its_place(signed_in: Client, make_job: MakeJob) -> None:
    make_job()
    job = make_job()
    assert "Position in queue 2" in words(signed_in.get(f"/reports/{job.pk}"))


def test_a_running_report_tells_how_far_it_is(signed_in: Client, make_job: MakeJob) -> None:
    now = timezone.now()
    job = make_job(
        State.RUNNING, progress_done=1_000, progress_total=4_000, progress_percent=25, attempt_count=1,
        started_at=now - timedelta(seconds=100), updated_at=now,
    )  # fmt: skip
    text = words(signed_in.get(f"/reports/{job.pk}/live"))
    assert "Rows so far 1,000 of about 4,000" in text
    assert "about 5 minutes left" in text or "about 4 minutes left" in text
    Job.objects.update(progress_done=3_999)
    assert "less than a minute left" in words(signed_in.get("/reports/live"))


def test_parameters_are_shown_in_the_words_of_their_fields(
    signed_in: Client, make_job: MakeJob, report_of: Callable[..., str]
) -> None:
    class Parameters(serializers.Serializer[Any]):
        detailed = serializers.BooleanField(label="With details")
        shops = serializers.MultipleChoiceField(choices=[(1, "North"), (2, "South")])

    report_of("SELECT 1", Parameters=Parameters)
    job = make_job(of="made", parameters={"detailed": True, "shops": [1, 2]})
    assert "With details yes Shops North, South" in words(signed_in.get(f"/reports/{job.pk}"))


def test_a_failed_report_says_why_and_what_to_do(signed_in: Client, make_job: MakeJob) -> None:
    error = {"code": "unencodable-character", "detail": "Row 3 has <b>.", "retryable": False}
    job = make_job(State.DEAD, result={"error": error}, attempt_count=1)
    response = signed_in.get(f"/reports/{job.pk}")
    assert "Why it failed Row 3 has &lt;b&gt;. What you can do Trying again as it is will not help. " in words(response)
    assert "A change will. Choose another encoding" in words(response)


def test_a_report_that_waits_for_its_retry_says_when(signed_in: Client, make_job: MakeJob) -> None:
    job = make_job(State.FAILED, retry_at="2030-01-02T03:04:00Z", attempt_count=1)
    text = words(signed_in.get(f"/reports/{job.pk}"))
    assert "In progress" in text
    assert "Attempt 1 failed. The next attempt starts at 2030-01-02 03:04 UTC . You do not need to do anything." in text


def test_a_postponed_report_says_why_and_when_it_is_tried_again(signed_in: Client, make_job: MakeJob) -> None:
    job = make_job(due=False, scheduled_at="2030-01-02T03:04:00Z", started_at="2030-01-02T03:00:00Z")
    record_event(job.pk, Event.Name.POSTPONED, reason="zeus is down", public="It waits for the replica.")
    text = words(signed_in.get(f"/reports/{job.pk}"))
    assert "Queued" in text
    assert "It waits for the replica. The next attempt starts at 2030-01-02 03:04 UTC" in text
    assert all(word not in text for word in ("zeus", "Started", "Position in queue", "Rows so far"))


def test_a_queued_report_tells_when_it_begins_and_how_long_it_takes(signed_in: Client, make_job: MakeJob) -> None:
    now = timezone.now()
    kind = {"type": "yearly-sales"}
    RecentRuns.objects.create(
        kind="report", type="yearly-sales", seconds=[600] * 3, rows=[0] * 3, rows_expected=[None] * 3
    )
    make_job(State.RUNNING, **kind, started_at=now - timedelta(seconds=270), updated_at=now)
    text = words(signed_in.get(f"/reports/{make_job(**kind).pk}"))
    assert "It is next in the queue. It starts in about 5 minutes." in text
    assert "0 %, about 15 minutes left" in text
    assert "about 5 minutes left" in words(signed_in.get("/reports")), "of the running one"


def test_an_expired_report_offers_no_download(
    signed_in: Client, make_job: MakeJob, publish: Callable[..., Artifact]
) -> None:
    job = make_job(State.SUCCEEDED)
    publish(job, expires_at=timezone.now() - timedelta(days=1))
    response = signed_in.get(f"/reports/{job.pk}")
    assert "The file has expired and was deleted." in words(response)
    assert "/download" not in response.content.decode()


def test_a_report_whose_type_is_gone_is_still_shown(signed_in: Client, make_job: MakeJob) -> None:
    job = make_job(of="retired", parameters={"colour": "red"})
    text = words(signed_in.get(f"/reports/{job.pk}"))
    assert "retired" in text
    assert "colour red" in text
    assert "Order this report again" not in text
    assert signed_in.get(f"/reports/new?like={job.pk}").status_code == 404


def test_a_full_queue_is_told_and_what_was_entered_is_kept(signed_in: Client) -> None:
    Queue.objects.filter(name="reports").update(max_queued_per_owner=0)
    response = signed_in.post("/reports/new?type=yearly-sales", {"parameters.year": "2021"})
    assert (response.status_code, response["Retry-After"]) == (429, "30")
    assert "You have 0 jobs waiting in the queue reports, which is the maximum." in words(response)
    assert 'value="2021"' in response.content.decode()
    Queue.objects.filter(name="reports").update(accepting=False)
    response = signed_in.post("/reports/new?type=yearly-sales", {"parameters.year": "2021"})
    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert not Job.objects.exists()


def test_too_many_failed_sign_ins_lock_the_user_out(client: Client, owner: User, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 2
    first, second = (client.post("/sign-in", {"username": "ada", "password": "wrong"}) for _ in range(2))
    assert first.status_code == 200
    assert "Please enter a correct username and password." in words(first)
    assert second.status_code == 429
    assert "Sign-in as this user from your address is blocked for a while after 2 failed attempts." in words(second)
    assert "Try again in 15 minutes, or ask an administrator to remove the block." in words(second)


def test_the_sign_out_takes_a_post(signed_in: Client) -> None:
    assert signed_in.get("/sign-out").status_code == 405
    response = signed_in.post("/sign-out")
    assert (response.status_code, response["Location"]) == (302, "/sign-in")
    assert signed_in.get("/").status_code == 302


def test_only_staff_are_shown_the_admin(signed_in: Client, owner: User) -> None:
    assert 'href="/admin/"' not in signed_in.get("/").content.decode()
    owner.is_staff = True
    owner.save()
    assert 'href="/admin/"' in signed_in.get("/").content.decode()


def test_a_form_without_its_token_is_refused_with_a_page(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    response = client.post("/reports/new?type=yearly-sales", {"parameters.year": "2023"})
    assert response.status_code == 403
    assert "The form has expired" in words(response)


def test_a_report_can_be_cancelled_and_then_deleted(signed_in: Client, make_job: MakeJob) -> None:
    job = make_job()
    path = f"/reports/{job.pk}"
    assert "Cancel the report" in words(signed_in.get(path))
    for _ in range(2):  # a second click changes nothing
        answer = signed_in.post(f"{path}/cancel")
        assert (answer.status_code, answer["Location"]) == (302, path)
    page = words(signed_in.get(path))
    assert "Canceled" in page
    assert "Delete permanently" in page
    answer = signed_in.post(f"{path}/delete")
    assert (answer.status_code, answer["Location"]) == (302, "/reports")
    assert signed_in.get(path).status_code == 404


def test_a_failed_report_can_be_tried_again(signed_in: Client, make_job: MakeJob) -> None:
    job = make_job(State.DEAD, finished_at=timezone.now())
    path = f"/reports/{job.pk}"
    assert "Try again" in words(signed_in.get(path))
    for _ in range(2):  # a second click changes nothing
        answer = signed_in.post(f"{path}/retry")
        assert (answer.status_code, answer["Location"]) == (302, path)
    job.refresh_from_db()
    assert job.state == State.QUEUED


def test_a_retry_that_is_refused_says_why(signed_in: Client, make_job: MakeJob) -> None:
    job = make_job(State.DEAD, finished_at=timezone.now())
    Queue.objects.filter(name="reports").update(accepting=False)
    answer = signed_in.post(f"/reports/{job.pk}/retry")
    assert answer.status_code == 503
    assert "It was not tried again The queue reports is closed: new orders are not accepted at the moment." in words(
        answer
    )
    Job.objects.update(payload={**job.payload, "parameters": {"year": 1}})
    answer = signed_in.post(f"/reports/{job.pk}/retry")
    assert answer.status_code == 409
    assert "Its parameters are no longer valid." in words(answer)


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.DEAD])
def test_a_report_that_has_ended_before_the_click_is_not_cancelled_and_loses_nothing(
    state: State, signed_in: Client, owner: User, make_job: MakeJob, publish: Callable[..., Artifact]
) -> None:
    job = make_job(
        state, finished_at=timezone.now(), result={"error": {"code": "x", "detail": "Why.", "retryable": True}}
    )
    artifact = publish(job)
    answer = signed_in.post(f"/reports/{job.pk}/cancel")
    assert answer.status_code == 409
    assert "It was not canceled The report had already ended. Nothing was deleted." in words(answer)
    assert ("Download" in words(answer)) is (state == State.SUCCEEDED)
    job.refresh_from_db()
    artifact.refresh_from_db()
    assert (job.state, job.owner, artifact.expires_at, artifact.deleted_at) == (state, owner, None, None)


def test_a_report_that_was_started_anew_before_the_click_is_not_deleted(signed_in: Client, make_job: MakeJob) -> None:
    job = make_job(State.QUEUED)
    answer = signed_in.post(f"/reports/{job.pk}/delete")
    assert answer.status_code == 409
    assert "It was not deleted The report has been started again. Cancel it first." in words(answer)
    job.refresh_from_db()
    assert (job.state, job.owner_id is None) == (State.QUEUED, False)


@pytest.mark.parametrize("action", ["cancel", "delete", "retry"])
def test_who_signs_in_again_after_a_click_is_led_to_the_page(
    action: str, client: Client, owner: User, make_job: MakeJob
) -> None:
    job = make_job(State.DEAD)
    path = f"/reports/{job.pk}/{action}"
    assert client.post(path)["Location"] == f"/sign-in?next={path}"
    client.force_login(owner)
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/reports/{job.pk}")
    assert client.put(path).status_code == 405
    job.refresh_from_db()
    assert (job.state, job.owner) == (State.DEAD, owner)


@pytest.mark.parametrize("action", ["cancel", "delete", "retry"])
def test_actions_are_for_the_owner_and_by_post(action: str, signed_in: Client, make_job: MakeJob) -> None:
    foreign = make_job(State.DEAD, owner=User.objects.create_user("bob"))
    answers = [signed_in.post(f"/reports/{job_id}/{action}") for job_id in (foreign.pk, UNKNOWN, "no-id")]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert {words(answer) for answer in answers} == {words(answers[0])}
    assert signed_in.get(f"/reports/{foreign.pk}/{action}", follow=True).status_code == 404
    foreign.refresh_from_db()
    assert foreign.state == State.DEAD
