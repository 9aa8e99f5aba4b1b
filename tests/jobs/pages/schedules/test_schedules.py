"""The pages of schedules, without JavaScript."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_celery_beat.models import PeriodicTask

from jobs.models import Job, Queue, Schedule, ScheduleRun
from jobs.schedules.changing import pause_schedule
from jobs.schedules.ending import end_run
from jobs.schedules.reading import next_runs_of
from jobs.schedules.recurrence import Recurrence
from jobs.schedules.running import locked
from reports.types import REPORT_TYPES
from tests.support.page_text import words

pytestmark = pytest.mark.django_db

Make = Callable[..., Schedule]
ENTERED = {
    "relative.dateFrom": "start-of-last-week",
    "relative.dateTo": "end-of-last-week",
    "parameters.dateFrom": "",
    "parameters.dateTo": "",
    "csv.encoding": "utf-8",
    "csv.delimiter": ",",
    "csv.compression": "none",
    "csv.errors": "strict",
    "when-name": "Last week",
    "when-every": "week",
    "when-at": "07:00",
    "when-days": ["1", "3"],
    "when-day": "1",
    "when-time_zone": "Asia/Tokyo",
    "when-expression": "",
    "when-mail": "failed",
    "when-callback_url": "",
}
NEW = "/schedules/new?kind=report&type=order-lines"


def entered(**changes: Any) -> dict[str, Any]:
    """What a user enters. Names have `-` and `.`, for which keywords have `__`."""
    return {**ENTERED, **changes}


def mistakes(response: Any) -> list[tuple[str, str]]:
    assert response.status_code == 422
    return [(mistake.target, mistake.message) for mistake in response.context["mistakes"]]


def test_who_may_order_nothing_is_told_so(signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(REPORT_TYPES, "_types", {})
    assert "Your account cannot order any reports. Ask an administrator" in words(signed_in.get("/schedules/new"))


def test_a_schedule_is_made_with_the_order_form(signed_in: Client, owner: User) -> None:
    page = signed_in.get("/schedules/new")
    assert "Order lines" in words(page)
    form = signed_in.get(NEW).content.decode()
    assert '<option value="start-of-last-week">Start of last week</option>' in form
    assert '<option value="Asia/Tokyo" selected>Asia/Tokyo</option>' in form
    assert 'name="when-name" value="Order lines"' in form
    response = signed_in.post(NEW, entered())
    schedule = Schedule.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"/schedules/{schedule.pk}")
    assert (schedule.owner, schedule.kind, schedule.type, schedule.name) == (
        owner,
        "report",
        "order-lines",
        "Last week",
    )
    assert schedule.order["relative"] == {"dateFrom": "start-of-last-week", "dateTo": "end-of-last-week"}
    assert schedule.order["body"].keys() == {"reportType", "csv", "parameters"}
    assert Recurrence.from_json(schedule.recurrence) == Recurrence("week", 7, days=(1, 3))
    assert (schedule.time_zone, schedule.mail, schedule.callback_url) == ("Asia/Tokyo", "failed", "")
    assert schedule.next_run_at is not None
    assert Job.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"when-every": "day"}, Recurrence("day", 7)),
        ({"when-every": "weekday", "when-at": "23:59"}, Recurrence("weekday", 23, 59)),
        ({"when-every": "month", "when-day": "28"}, Recurrence("month", 7, day=28)),
        ({"when-every": "month", "when-day": "0"}, Recurrence("month", 7, day=0)),
        (
            {"when-every": "cron", "when-expression": " 0  7 * * MON#1 ", "when-at": ""},
            Recurrence("cron", expression="0 7 * * MON#1"),
        ),
    ],
)
def test_each_recurrence_can_be_entered(signed_in: Client, changes: dict[str, str], expected: Recurrence) -> None:
    assert signed_in.post(NEW, entered(**changes)).status_code == 303
    assert Recurrence.from_json(Schedule.objects.get().recurrence) == expected
    change = signed_in.get(f"/schedules/{Schedule.objects.get().pk}/change").content.decode()
    assert f'<option value="{expected.every}" selected>' in change


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"when-name": ""}, [("id_when-name", "This field is required.")]),
        ({"when-at": ""}, [("id_when-at", "Enter a time.")]),
        ({"when-at": "7 o'clock"}, [("id_when-at", "Enter a valid time.")]),
        ({"when-days": []}, [("id_when-days", "Choose at least one day of the week.")]),
        (
            {"when-every": "cron", "when-expression": "* * * * *"},
            [("id_when-expression", "A schedule may run at most once every 15 minutes.")],
        ),
        (
            {"when-every": "cron"},
            [("id_when-expression", "Enter five fields: minute, hour, day of the month, month and day of the week.")],
        ),
        (
            {"when-time_zone": "Nowhere/Land"},
            [("id_when-time_zone", "Select a valid choice. Nowhere/Land is not one of the available choices.")],
        ),
        (
            {"when-callback_url": "ftp://example.com/"},
            [("id_when-callback_url", "The URL must begin with https:// or http://.")],
        ),
        ({"relative.dateTo": "start-of-this-year", "relative.dateFrom": "today"}, None),
        ({"relative.dateFrom": "whenever"}, None),
    ],
)
def test_mistakes_are_shown_beside_their_fields(
    signed_in: Client, changes: dict[str, Any], expected: list[tuple[str, str]] | None
) -> None:
    response = signed_in.post(NEW, entered(**changes))
    found = mistakes(response)
    if expected is None:
        assert [target for target, _ in found] in (["parameters.dateTo"], ["parameters.dateFrom"])
    else:
        assert [target for target, _ in found] == [target for target, _ in expected]
        assert "callback" in found[0][0] or found == expected
    for target, _ in found:
        assert f'id="{target}"' in response.content.decode()
    assert Schedule.objects.count() == 0
    assert '<option value="end-of-last-week"' in response.content.decode()


def test_a_schedule_repeats_an_earlier_report(signed_in: Client, owner: User) -> None:
    signed_in.post("/reports/new?type=yearly-sales", {"parameters.year": "2024", "csv.encoding": "cp932"})
    job = Job.objects.get()
    Job.objects.update(state="cancelled")
    assert (
        f'href="/schedules/new?kind=report&amp;like={job.pk}"' in signed_in.get(f"/reports/{job.pk}").content.decode()
    )
    form = signed_in.get(f"/schedules/new?kind=report&like={job.pk}").content.decode()
    assert 'name="parameters.year" type="number" value="2024"' in form
    assert '<option value="last-year">Last year</option>' in form
    assert 'value="cp932" selected' in form
    assert 'action="/schedules/new?kind=report&amp;type=yearly-sales"' in form


def test_the_page_of_a_schedule_shows_its_runs_in_both_zones(
    signed_in: Client, make_schedule: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = make_schedule()
    Schedule.objects.update(next_run_at="2026-03-23T06:00Z")
    text = words(signed_in.get(f"/schedules/{schedule.pk}"))
    for part in (
        "Order lines",
        "From Start of last week",
        "To 2099-12-31",
        "Every Monday at 07:00 (Europe/Berlin)",
        "In Europe/Berlin In your time zone",
        "2026-03-23 07:00 CET 2026-03-23 15:00 JST",
        "2026-03-30 07:00 CEST 2026-03-30 14:00 JST",
        "2026-04-20 07:00 CEST 2026-04-20 14:00 JST",
        "It has not run yet.",
    ):
        assert part in text
    assert "2026-04-27" not in text


def test_the_history_tells_what_became_of_each_run(signed_in: Client, make_schedule: Make) -> None:
    schedule = make_schedule()
    signed_in.post(f"/schedules/{schedule.pk}/run")
    run = ScheduleRun.objects.get()
    ScheduleRun.objects.create(schedule=schedule, scheduled_for="2026-11-02T06:00Z", outcome="missed")
    ScheduleRun.objects.create(schedule=schedule, scheduled_for="2026-11-09T06:00Z", outcome="refused", reason="No.")
    page = signed_in.get(f"/schedules/{schedule.pk}")
    assert f'<a href="/reports/{run.job_id}">See the job</a>' in page.content.decode()
    text = words(page)
    assert "(by hand) Ordered See the job" in text
    assert "2026-11-09 15:00 JST Refused No." in text
    assert "2026-11-02 15:00 JST Skipped Skipped: the service was not running, or the schedule was paused" in text


def test_a_run_of_a_job_that_was_deleted_has_no_link(signed_in: Client, make_schedule: Make) -> None:
    schedule = make_schedule()
    signed_in.post(f"/schedules/{schedule.pk}/run")
    Job.objects.update(owner=None)
    assert "See the job" not in words(signed_in.get(f"/schedules/{schedule.pk}"))


def test_the_list_shows_the_next_and_the_last_run(signed_in: Client, make_schedule: Make) -> None:
    assert "You have no schedules." in words(signed_in.get("/schedules"))
    schedule = make_schedule()
    Schedule.objects.update(next_run_at="2026-12-07T06:00Z")
    ScheduleRun.objects.create(schedule=schedule, scheduled_for="2026-11-30T06:00Z", outcome="succeeded")
    text = words(signed_in.get("/schedules"))
    expected = (
        "Last week Order lines Every Monday at 07:00 Europe/Berlin 2026-12-07 15:00 JST Complete 2026-11-30 15:00 JST"
    )
    assert expected in text
    pause_schedule(schedule.pk)
    assert "Europe/Berlin Paused Complete" in words(signed_in.get("/schedules"))


def test_a_schedule_can_be_changed(signed_in: Client, make_schedule: Make) -> None:
    schedule = make_schedule()
    form = signed_in.get(f"/schedules/{schedule.pk}/change").content.decode()
    for part in (
        '<option value="start-of-last-week" selected>',
        'name="parameters.dateTo" type="date" value="2099-12-31"',
        'name="when-at" value="07:00"',
        '<option value="Europe/Berlin" selected>',
    ):
        assert part in form
    url = f"/schedules/{schedule.pk}/change"
    assert mistakes(signed_in.post(url, entered(**{"when-name": ""})))
    response = signed_in.post(url, entered(**{"when-name": "Weekly", "relative.dateTo": "", "parameters.dateTo": ""}))
    assert (response.status_code, response["Location"]) == (303, f"/schedules/{schedule.pk}")
    schedule.refresh_from_db()
    assert (schedule.name, schedule.time_zone) == ("Weekly", "Asia/Tokyo")
    assert schedule.order["relative"] == {"dateFrom": "start-of-last-week"}
    assert "dateTo" not in schedule.order["body"]["parameters"]


def test_mail_about_runs_is_offered_where_somebody_sends_it(signed_in: Client, settings: Any) -> None:
    assert "Send me a mail" not in words(signed_in.get(NEW))
    settings.MAIL_IS_ON = True
    assert "Send me a mail" in words(signed_in.get(NEW))
    signed_in.post(NEW, entered(**{"when-mail": "always"}))
    schedule = Schedule.objects.get()
    assert schedule.mail == "always"
    assert "Mail After each run" in words(signed_in.get(f"/schedules/{schedule.pk}"))


def test_a_schedule_can_be_paused_resumed_and_deleted(signed_in: Client, make_schedule: Make) -> None:
    schedule = make_schedule()
    at = f"/schedules/{schedule.pk}"
    assert signed_in.post(f"{at}/pause")["Location"] == at
    text = words(signed_in.get(at))
    assert "You have paused this schedule. Nothing runs until you resume it." in text
    assert "No runs are planned." in text
    signed_in.post(f"{at}/resume")
    assert "Active" in words(signed_in.get(at))
    assert signed_in.post(f"{at}/delete")["Location"] == "/schedules"
    assert Schedule.objects.count() == 0


def test_the_page_says_that_staff_have_stopped_it(signed_in: Client, make_schedule: Make) -> None:
    schedule = make_schedule()
    PeriodicTask.objects.filter(task="jobs.run_schedule").update(enabled=False)
    text = words(signed_in.get(f"/schedules/{schedule.pk}"))
    assert "An administrator has stopped this schedule." in text
    assert "Resume" not in text


def test_the_page_says_that_failures_have_paused_it(signed_in: Client, make_schedule: Make, settings: Any) -> None:
    settings.SCHEDULE_PAUSE_AFTER_FAILURES = 1
    schedule = locked(make_schedule().pk)
    assert schedule is not None
    run = ScheduleRun.objects.create(schedule=schedule, scheduled_for=datetime(2026, 11, 30, 6, tzinfo=UTC))
    end_run(schedule, run, ScheduleRun.Outcome.REFUSED, reason="Gone.")
    text = words(signed_in.get(f"/schedules/{schedule.pk}"))
    assert "This schedule was paused because its runs kept failing." in text
    assert "Refused Gone." in text


def test_a_second_run_by_hand_is_refused_while_the_first_waits(signed_in: Client, make_schedule: Make) -> None:
    Queue.objects.filter(name="reports").update(max_queued=0)
    schedule = make_schedule()
    assert signed_in.post(f"/schedules/{schedule.pk}/run").status_code == 302
    response = signed_in.post(f"/schedules/{schedule.pk}/run")
    assert response.status_code == 409
    assert "still waiting for room in the queue" in words(response)


def test_too_many_schedules_are_refused(signed_in: Client, make_schedule: Make, settings: Any) -> None:
    settings.SCHEDULES_PER_USER = 1
    make_schedule()
    response = signed_in.post(NEW, entered())
    assert response.status_code == 409
    assert "You have 1 schedule, which is the maximum. Delete it first." in words(response)
    assert 'value="start-of-last-week" selected' in response.content.decode()


def test_schedules_of_others_are_not_found(
    signed_in: Client, make_schedule: Make, django_user_model: type[User], owner: User
) -> None:
    theirs = make_schedule(of=django_user_model.objects.create_user("bob"))
    for pk in (theirs.pk, uuid4(), "x"):
        assert signed_in.get(f"/schedules/{pk}").status_code == 404
        assert signed_in.get(f"/schedules/{pk}/change").status_code == 404
        for deed in ("run", "pause", "resume", "delete", "change"):
            assert signed_in.post(f"/schedules/{pk}/{deed}", entered()).status_code == 404
    assert list(next_runs_of(owner)) == []
    assert "Last week" not in words(signed_in.get("/schedules"))


@pytest.mark.parametrize(
    "query",
    [
        "kind=nothing&type=order-lines",
        "kind=report&type=nothing",
        "kind=report&like=01a22759-fb5e-718b-88a5-09bf78532a8b",
    ],
)
def test_what_cannot_be_scheduled_is_not_found(signed_in: Client, query: str) -> None:
    assert signed_in.get(f"/schedules/new?{query}").status_code == 404


def test_a_type_that_is_gone_is_still_shown(
    signed_in: Client, make_schedule: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = make_schedule()
    monkeypatch.setattr(REPORT_TYPES, "_types", {})
    assert "order-lines" in words(signed_in.get(f"/schedules/{schedule.pk}"))
    assert "order-lines" in words(signed_in.get("/schedules"))
    assert signed_in.get(f"/schedules/{schedule.pk}/change").status_code == 404


def test_visitors_sign_in_first(client: Client, make_schedule: Make) -> None:
    for path in ("/schedules", "/schedules/new", f"/schedules/{make_schedule().pk}"):
        assert client.get(path)["Location"].startswith("/sign-in?next=/schedules")


def test_the_next_runs_of_a_user_come_soonest_first(
    make_schedule: Make, owner: User, django_assert_num_queries: Any
) -> None:
    late, _, paused = (make_schedule(name=name) for name in ("late", "soon", "paused"))
    Schedule.objects.filter(pk=late.pk).update(next_run_at="2100-01-01T00:00Z")
    pause_schedule(paused.pk)
    with django_assert_num_queries(1):
        assert [schedule.name for schedule in next_runs_of(owner)] == ["soon", "late"]


@pytest.mark.parametrize(("path", "queries"), [("/schedules", 4), ("/schedules/{}", 5), ("/schedules/{}/change", 4)])
def test_the_number_of_queries_does_not_grow(
    signed_in: Client, make_schedule: Make, django_assert_num_queries: Any, path: str, queries: int
) -> None:
    for _ in range(2):
        schedule = make_schedule()
        for _ in range(3):
            signed_in.post(f"/schedules/{schedule.pk}/run")
        with django_assert_num_queries(queries):
            assert signed_in.get(path.format(schedule.pk)).status_code == 200
