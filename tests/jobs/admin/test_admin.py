"""The admin opens, shows, and lets only the dials be changed."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from jobs.admin import paginator
from jobs.events import record_event
from jobs.maintenance.sweeps import SWEEPS
from jobs.models import Attempt, Event, Job
from jobs.states import State
from tests.support.page_text import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def attempt(make_job: Callable[..., Job], kind_of: Callable[..., str]) -> Attempt:
    kind_of(lambda context: None)
    job = make_job(state=State.DEAD, payload={"a": "<b>"}, error_message="odd")
    return Attempt.objects.create(job=job, number=1, fencing_token=1, worker="w", traceback="Traceback <x>")


@pytest.mark.parametrize("model", ["job", "attempt", "artifact", "queue", "sweep"])
def test_every_list_opens(model: str, staff: Client, attempt: Attempt) -> None:
    assert staff.get(reverse(f"admin:jobs_{model}_changelist")).status_code == 200


def test_a_job_shows_its_payload_and_attempts(staff: Client, attempt: Attempt) -> None:
    page = staff.get(reverse("admin:jobs_job_change", args=[attempt.job_id])).content.decode()
    assert "&quot;a&quot;: &quot;&lt;b&gt;&quot;" in page
    assert "Traceback &lt;x&gt;" in page


def test_a_job_shows_its_timeline_in_as_many_queries_for_ten_lines_as_for_one(
    staff: Client, attempt: Attempt, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    path = reverse("admin:jobs_job_change", args=[attempt.job_id])
    record_event(attempt.job_id, Event.Name.SUBMITTED, actor="ada")
    staff.get(path)  # Django remembers the content types from here on
    with CaptureQueriesContext(connection) as one:
        staff.get(path)
    for _ in range(9):
        record_event(attempt.job_id, Event.Name.REQUEUED, actor="grace", reason="the API is back")
    with django_assert_num_queries(len(one)):
        page = staff.get(path).content.decode()
    assert page.index("ada") < page.index("the API is back")


def test_the_timeline_tells_seconds_apart(staff: Client, attempt: Attempt) -> None:
    record_event(attempt.job_id, Event.Name.SUBMITTED)
    page = staff.get(reverse("admin:jobs_job_change", args=[attempt.job_id])).content.decode()
    assert f"{Event.objects.get().at:%Y-%m-%d %H:%M:%S}" in page


def test_the_timeline_names_who_shared_a_file_but_no_visitor(staff: Client, attempt: Attempt) -> None:
    record_event(attempt.job_id, Event.Name.SHARE_CREATED, actor="ada", link="7")
    record_event(attempt.job_id, Event.Name.SHARE_USED, link="7")
    record_event(attempt.job_id, Event.Name.EXPIRED)
    text = words(staff.get(reverse("admin:jobs_job_change", args=[attempt.job_id])))
    for line in ("Share link created ada link 7", "Share link used a visitor link 7", "Expired Longhaul"):
        assert line in text


def test_the_sweeps_say_when_they_ran(staff: Client) -> None:
    SWEEPS["prune_jobs"]()
    page = staff.get(reverse("admin:jobs_sweep_changelist")).content.decode()
    assert "prune_jobs" in page
    assert staff.post(reverse("admin:jobs_sweep_delete", args=["prune_jobs"]), {"post": "yes"}).status_code == 403


def test_an_attempt_shows_its_traceback(staff: Client, attempt: Attempt) -> None:
    page = staff.get(reverse("admin:jobs_attempt_change", args=[attempt.pk])).content.decode()
    assert "<pre>Traceback &lt;x&gt;</pre>" in page


def test_what_workers_write_cannot_be_changed_by_any_url(staff: Client, attempt: Attempt) -> None:
    for path in (
        reverse("admin:jobs_job_change", args=[attempt.job_id]),
        reverse("admin:jobs_job_delete", args=[attempt.job_id]),
        reverse("admin:jobs_job_add"),
        reverse("admin:jobs_attempt_change", args=[attempt.pk]),
        reverse("admin:jobs_attempt_delete", args=[attempt.pk]),
    ):
        assert staff.post(path, {"state": "queued", "post": "yes"}).status_code == 403
    staff.post(
        reverse("admin:jobs_job_changelist"),
        {"action": "delete_selected", "_selected_action": [str(attempt.job_id)], "post": "yes"},
    )
    assert Job.objects.get().state == State.DEAD


def test_the_list_of_jobs_takes_as_many_queries_for_ten_as_for_one(
    staff: Client, make_job: Callable[..., Job], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(10):
        make_job()
    with django_assert_max_num_queries(6):
        staff.get(reverse("admin:jobs_job_changelist"))


@pytest.mark.parametrize(("model", "owner_finds"), [("job", 1), ("attempt", 0), ("artifact", 0)])
def test_a_search_takes_an_id_and_survives_anything_else(
    model: str, owner_finds: int, staff: Client, attempt: Attempt
) -> None:
    def found(text: str) -> int:
        response = staff.get(reverse(f"admin:jobs_{model}_changelist"), {"q": text})
        assert response.status_code == 200
        return int(response.context["cl"].result_count)

    assert found(str(attempt.job_id)) == (0 if model == "artifact" else 1)
    assert found("ada") == owner_finds
    assert found("no-id %_'\"") == 0


def test_periodic_tasks_and_results_have_their_pages(staff: Client) -> None:
    for name in ("django_celery_beat_periodictask", "django_celery_results_taskresult"):
        assert staff.get(reverse(f"admin:{name}_changelist")).status_code == 200


def test_a_list_counts_no_further_than_its_bound(
    staff: Client, make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paginator, "BOUND", 3)
    for _ in range(5):
        make_job()
    shown = staff.get(reverse("admin:jobs_job_changelist")).context["cl"]
    assert shown.result_count == 3


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/", "/admin/jobs/job/", "/admin/login/?next=/admin/"])
def test_who_is_signed_in_but_not_staff_is_told_so(client: Client, path: str) -> None:
    client.force_login(User.objects.create_user("ada"))
    answer = client.get(path, follow=True)
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "<b>ada</b>, which is not a staff account" in " ".join(page.split())
    assert 'href="/"' in page
    assert 'type="password"' not in page


@pytest.mark.django_db
def test_who_is_not_signed_in_is_shown_the_form_of_the_admin(client: Client) -> None:
    answer = client.get("/admin/", follow=True)
    assert answer.status_code == 200
    assert 'type="password"' in answer.content.decode()
