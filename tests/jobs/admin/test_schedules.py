"""Staff see why a schedule does not run and what came of its runs, and stop or resume it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from rest_framework import serializers

from jobs.interventions.schedules import stop_schedules
from jobs.models import Job, Schedule, ScheduleRun
from jobs.schedules.changing import pause_schedule
from jobs.states import State
from jobs.types.scheduling import stored_order
from reports.types import REPORT_TYPES, ReportType

pytestmark = pytest.mark.django_db

LIST = "/admin/jobs/schedule/"
Make = Callable[..., Schedule]
Member = Callable[[str], Client]


def page_of(schedule: Schedule) -> str:
    return reverse("admin:jobs_schedule_change", args=[schedule.pk])


def text_of(client: Client, schedule: Schedule) -> str:
    return client.get(page_of(schedule)).content.decode()


def found(client: Client, path: str = LIST, **query: Any) -> set[object]:
    return {row.pk for row in client.get(path, query).context["cl"].result_list}


def pause_after_failures(schedule: Schedule) -> None:
    pause_schedule(schedule.pk)
    Schedule.objects.filter(pk=schedule.pk).update(pause_reason="failures", failures=5)


def test_schedules_are_found_by_state_owner_type_and_id(member: Member, make_schedule: Make) -> None:
    grace = User.objects.create_user("grace")
    active, failing, owner, failures, stopped = (make_schedule() for _ in range(5))
    overdue = make_schedule(grace, name="Nightly")
    Schedule.objects.filter(pk=failing.pk).update(failures=1)
    Schedule.objects.filter(pk=overdue.pk).update(next_run_at=Now() - timedelta(minutes=6))
    pause_schedule(owner.pk)
    pause_after_failures(failures)
    stop_schedules([stopped.pk], actor="root", reason="r")
    client = member("viewer")
    assert found(client, state="active") == {active.pk, failing.pk, overdue.pk}
    assert found(client, state="failing") == {failing.pk}
    assert found(client, state="overdue") == {overdue.pk}
    assert found(client, state="owner") == {owner.pk}
    assert found(client, state="failures") == {failures.pk}
    assert found(client, state="stopped") == {stopped.pk}
    assert found(client, owner="grace") == found(client, q="grace") == found(client, q="Nightly") == {overdue.pk}
    assert len(found(client, q="order-lines")) == 6
    assert found(client, q=active.pk) == {active.pk}


def test_the_page_of_a_paused_schedule_says_why_and_shows_its_runs_with_their_jobs(
    member: Member, make_schedule: Make, make_job: Callable[..., Job]
) -> None:
    schedule = make_schedule(callback_url="https://example.com/hook?key=s3cret")
    job = make_job(state=State.DEAD, error_class="ValueError")
    ScheduleRun.objects.create(schedule=schedule, scheduled_for=Now(), job=job, outcome="failed")
    pause_after_failures(schedule)
    client = member("viewer")
    page = client.get(page_of(schedule))
    text = page.content.decode()
    assert page.context["state"] == "paused after failures"
    job_page = reverse("admin:jobs_job_change", args=[job.pk])
    for expected in (
        "It was paused after 5 failed runs in a row.", "Every Monday at 07:00, Europe/Berlin", job_page, "ValueError",
        "It does not run now.", "example.com",
    ):  # fmt: skip
        assert expected in text
    assert "s3cret" not in text
    assert page_of(schedule) in client.get(job_page).content.decode()
    runs = reverse("admin:jobs_schedulerun_changelist")
    assert (
        found(client, runs, q=job.pk)
        == found(client, runs, schedule=schedule.pk)
        == set(ScheduleRun.objects.values_list("pk", flat=True))
    )
    assert found(client, runs, outcome__exact="succeeded") == set()


def test_the_page_of_an_active_schedule_shows_its_next_runs_by_its_own_clock(
    member: Member, make_schedule: Make
) -> None:
    schedule = make_schedule()
    Schedule.objects.filter(pk=schedule.pk).update(next_run_at="2099-06-01T05:00Z")
    [upcoming, _] = member("viewer").get(page_of(schedule)).context["tables"]
    assert [there for there, _ in upcoming.rows] == [f"2099-06-{day:02} 07:00" for day in (1, 8, 15, 22, 29)]


def test_an_operator_stops_and_resumes_a_schedule_with_a_reason(member: Member, make_schedule: Make) -> None:
    schedule = make_schedule()
    client = member("operator")

    def post(action: str, **fields: Any) -> str:
        fields = {"action": action, "_selected_action": [schedule.pk], **fields}
        return client.post(LIST, fields, follow=True).content.decode()

    assert "has stopped it, and cannot resume it" in post("stop_schedules")
    assert found(client, state="stopped") == set()
    assert "1 schedule stopped." in post("stop_schedules", post="yes", reason="it floods the queue")
    assert found(client, state="stopped") == {schedule.pk}
    assert [name for name, _ in client.get(page_of(schedule)).context["buttons"]] == ["resume_schedules"]
    assert "it floods the queue" in text_of(client, schedule)
    assert "was not stopped: it is already stopped" in post("stop_schedules", post="yes", reason="again")
    assert "1 schedule resumed." in post("resume_schedules", post="yes", reason="mended")
    assert found(client, state="active") == {schedule.pk}


def test_a_viewer_sees_no_action(member: Member, make_schedule: Make) -> None:
    schedule = make_schedule()
    client = member("viewer")
    assert client.get(page_of(schedule)).context["buttons"] == []
    assert "stop_schedules" not in client.get(LIST).content.decode()


def test_what_the_owner_has_paused_offers_no_action(member: Member, make_schedule: Make) -> None:
    schedule = make_schedule()
    pause_schedule(schedule.pk)
    page = member("administrator").get(page_of(schedule))
    assert (page.context["state"], page.context["buttons"]) == ("paused by its owner", [])


def test_nothing_runs_for_a_deactivated_owner_and_the_page_says_so(
    member: Member, make_schedule: Make, owner: User
) -> None:
    schedule = make_schedule()
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert "the account of the owner is deactivated" in text_of(member("viewer"), schedule)


def test_secrets_of_an_order_are_masked_also_where_a_reason_quotes_them(
    member: Member, make_schedule: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Secretive(ReportType):
        identifier = "secretive"
        title = "Secretive"

        class Parameters(serializers.Serializer[Any]):
            pin = serializers.CharField(write_only=True)
            city = serializers.CharField()

    monkeypatch.setattr(REPORT_TYPES, "_types", dict(REPORT_TYPES._types))
    REPORT_TYPES.register(Secretive)
    body = {"reportType": "secretive", "csv": {}, "parameters": {"pin": "4711-4711", "city": "Kyoto"}}
    schedule = make_schedule(order=stored_order(REPORT_TYPES._types["secretive"], body, {}))
    run = ScheduleRun.objects.create(
        schedule=schedule, scheduled_for=Now(), outcome="refused", reason="The pin 4711-4711 is wrong."
    )
    client = member("administrator")
    runs = reverse("admin:jobs_schedulerun_changelist")
    sealed = schedule.order["body"]["parameters"]["pin"]
    for path in (page_of(schedule), runs, reverse("admin:jobs_schedulerun_change", args=[run.pk])):
        text = client.get(path).content.decode()
        assert "The pin *** is wrong." in text
        assert "4711" not in text
        assert str(sealed) not in text
    assert "Kyoto" in text_of(client, schedule)
    Schedule.objects.update(kind="gone")
    assert "Kyoto" not in text_of(client, schedule), "of a kind that is not installed, all is masked"
