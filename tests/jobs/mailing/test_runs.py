"""Mails about runs of schedules: the choice of the schedule decides, not the preferences of its owner."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from jobs.announcing import announce_ends
from jobs.mailing.queueing import mail_end, mail_refused_run
from jobs.mailing.receivers import switch_topic
from jobs.mailing.runs import switch_runs
from jobs.mailing.stopping import stop_token
from jobs.mailing.topics import Topic
from jobs.models import Job, Schedule, ScheduleRun
from jobs.states import State
from tests.support.smtp import PUBLIC_URL, MailServer, text_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_is_published", "server")]

Make = Callable[..., Job]
MakeRun = Callable[..., ScheduleRun]
AT = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)


@pytest.fixture
def run(report: Make, owner: User) -> MakeRun:
    """A run of a new schedule. Its report has failed unless told otherwise; refused, it has none."""

    def make(
        mail: str = "failed", *, state: State = State.DEAD, is_refused: bool = False, by: User = owner
    ) -> ScheduleRun:
        schedule = Schedule.objects.create(
            owner=by, kind="report", type="yearly-sales", name="Last week", order={}, recurrence={}, mail=mail
        )
        how: dict[str, Any] = {"outcome": "refused", "reason": "This type no longer exists."}
        if not is_refused:
            how = {"job": report(owner=by, state=state, mails=True), "outcome": "ordered"}
        return ScheduleRun.objects.create(schedule=schedule, scheduled_for=AT, **how)

    return make


def job_of(run: ScheduleRun) -> Job:
    assert run.job is not None
    return run.job


def mails() -> list[Job]:
    return list(Job.objects.filter(kind="mail").order_by("pk"))


@pytest.mark.parametrize("preference", [True, False])
@pytest.mark.parametrize(
    ("choice", "state", "topics"),
    [
        ("none", State.DEAD, []),
        ("none", State.SUCCEEDED, []),
        ("failed", State.DEAD, ["run-failed"]),
        ("failed", State.SUCCEEDED, []),
        ("always", State.DEAD, ["run-failed"]),
        ("always", State.SUCCEEDED, ["run-complete"]),
        ("always", State.CANCELLED, []),
    ],
)
def test_the_choice_of_the_schedule_decides_and_each_end_is_told_once(
    choice: str, state: State, topics: list[str], preference: bool, run: MakeRun, owner: User
) -> None:
    switch_topic(owner.pk, Topic.COMPLETE, on=preference)
    switch_topic(owner.pk, Topic.FAILED, on=preference)
    one = run(choice, state=state)
    for _ in range(2):
        announce_ends([job_of(one).pk])
    assert [mail.type for mail in mails()] == topics
    facts = {"job": str(job_of(one).pk), "schedule": str(one.schedule_id)}
    assert [mail.payload for mail in mails()] == [{"topic": topic, **facts} for topic in topics]


def test_a_job_whose_schedule_was_deleted_is_told_of_as_any_job(run: MakeRun) -> None:
    job = job_of(run("none"))
    Schedule.objects.all().delete()
    [mail] = mail_end(job)
    assert mail.payload == {"topic": "failed", "job": str(job.pk)}


def test_other_users_and_other_schedules_do_not_count(run: MakeRun, owner: User) -> None:
    bob = User.objects.create_user("bob", email="bob@example.com")
    quiet, of_bob = run("none"), run("always", by=bob)
    assert mail_end(job_of(quiet)) == []
    [mail] = mail_end(job_of(of_bob))
    assert (mail.owner, mail.payload["schedule"]) == (bob, str(of_bob.schedule_id))


def test_a_run_has_failed(server: MailServer, owner: User, run: MakeRun, attempt: Callable[[Job], Job]) -> None:
    one = run()
    [mail] = mail_end(job_of(one))
    assert attempt(mail).state == State.SUCCEEDED
    [got] = server.mails
    stop = f"{PUBLIC_URL}/mail/stop/{stop_token(owner.pk, Topic.RUN_FAILED, one.schedule_id)}"
    assert (str(got["Subject"]), str(got["List-Unsubscribe"]).strip()) == ("Yearly sales has failed", f"<{stop}>")
    assert (
        text_of(got)
        == f"""\
Your report “Yearly sales” has failed.

The query exceeded its time limit.

Ask for less, such as a shorter period.

Schedule: Last week
Ordered: 2026-01-02 03:04 (UTC)

Open the report: {PUBLIC_URL}/reports/{one.job_id}

--{" "}
Longhaul sends you a mail about runs of this schedule, as you have chosen for it.
Stop these mails: {stop}
"""
    )


def test_a_run_was_refused(server: MailServer, owner: User, run: MakeRun, attempt: Callable[[Job], Job]) -> None:
    one = run(is_refused=True)
    mail = mail_refused_run(one.schedule, one)
    assert mail is not None
    assert attempt(mail).state == State.SUCCEEDED
    [got] = server.mails
    assert str(got["Subject"]) == "A run of the schedule Last week was refused"
    assert (
        text_of(got)
        == f"""\
The run of your schedule “Last week” that was planned for 2026-11-30 07:00 (UTC) was refused. Nothing was ordered.

This type no longer exists.

Open the schedule: {PUBLIC_URL}/schedules/{one.schedule_id}

--{" "}
Longhaul sends you a mail about runs of this schedule, as you have chosen for it.
Stop these mails: {PUBLIC_URL}/mail/stop/{stop_token(owner.pk, Topic.RUN_FAILED, one.schedule_id)}
"""
    )


@pytest.mark.parametrize("is_refused", [True, False])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda: Schedule.objects.update(mail="none"), "Its receiver has switched these mails off."),
        (lambda: Schedule.objects.all().delete(), "Its receiver has switched these mails off."),
        (lambda: ScheduleRun.objects.all().delete(), "What it would say is no longer true."),
    ],
)
def test_a_mail_that_is_no_longer_wanted_or_true_is_not_sent(
    change: Callable[[], Any],
    reason: str,
    is_refused: bool,
    server: MailServer,
    run: MakeRun,
    attempt: Callable[[Job], Job],
) -> None:
    one = run(is_refused=is_refused)
    mail = mail_refused_run(one.schedule, one) if is_refused else mail_end(job_of(one))[0]
    assert mail is not None
    change()
    assert (attempt(mail).result, server.asked) == ({"sent": False, "reason": reason}, 0)


def test_after_ten_mails_a_digest_stands_for_the_runs_of_all_schedules(
    server: MailServer, owner: User, run: MakeRun, attempt: Callable[[Job], Job]
) -> None:
    for _ in range(12):
        mail_end(job_of(run()))
    refused = run(is_refused=True)
    mail_refused_run(refused.schedule, refused)
    digest = mails()[10]
    assert digest.payload == {"topic": "run-failed", "counts": {"report": 3}}
    Job.objects.filter(pk=digest.pk).update(scheduled_at=Now(), due=True)
    assert attempt(digest).state == State.SUCCEEDED
    [got] = server.mails
    assert str(got["Subject"]) == "3 more runs of schedules have failed"
    text = text_of(got)
    assert "a mail about runs of your schedules, as you have chosen for each of them." in text
    assert f"/mail/stop/{stop_token(owner.pk, Topic.RUN_FAILED)}\n" in text


def test_stopping_all_and_its_undo_leave_what_was_never_wanted(run: MakeRun, owner: User) -> None:
    bob = User.objects.create_user("bob", email="bob@example.com")
    schedules = [run(choice).schedule for choice in ("none", "failed", "always")] + [run("always", by=bob).schedule]

    def choices() -> list[str]:
        return [Schedule.objects.get(pk=schedule.pk).mail for schedule in schedules]

    for _ in range(2):
        switch_runs(owner.pk, None, on=False)
        assert choices() == ["none", "none", "none", "always"]
    for _ in range(2):
        switch_runs(owner.pk, None, on=True)
        assert choices() == ["none", "failed", "always", "always"]


def test_the_number_of_queries_of_a_mail_about_a_run(run: MakeRun, attempt: Callable[[Job], Job]) -> None:
    """For queueing: the schedule, its choice, lock, count, submit, and the release (2)."""
    job = job_of(run())
    with CaptureQueriesContext(connection) as queries:
        [mail] = mail_end(job)
    assert len([query for query in queries if "SAVEPOINT" not in str(query["sql"])]) == 8
    with CaptureQueriesContext(connection) as queries:
        attempt(mail)
    assert len(queries) == 15, [query["sql"] for query in queries]
