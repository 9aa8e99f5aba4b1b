"""Each end of a job of interest becomes one mail, whoever ends it; callbacks and mails do not hold each other up."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from jobs import kinds
from jobs.announcing import MAILS, announce_end
from jobs.bulk.undo import snapshot_jobs, undo_batch
from jobs.context import JobContext
from jobs.dispatch.submission import submit_job
from jobs.errors import AdmissionError, PermanentError, RetryableError
from jobs.interventions.cancellation import cancel_jobs
from jobs.interventions.dead_letter import discard_jobs, requeue_jobs
from jobs.interventions.purging import purge_jobs
from jobs.kinds import Kind, register_kind
from jobs.mailing.receivers import switch_topic
from jobs.mailing.topics import Topic
from jobs.maintenance.announcements import announce_ended_jobs, mail_ended_jobs
from jobs.maintenance.recovery import rescue_orphaned_jobs
from jobs.models import Job, Queue
from jobs.models.bulk import BulkItem, BulkRun
from jobs.states import State
from jobs.worker.execution import execute_job
from jobs.worker.transitions import claim_job, finish_job
from tests.support.deliveries import URL, told
from tests.support.smtp import MailServer, send_mail_to
from tests.support.threads import Threads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_is_published")]


@pytest.fixture
def owner(db: None) -> User:
    """A user who wants all mails."""
    user = User.objects.create_user("ada", email="ada@example.com")
    switch_topic(user.pk, Topic.COMPLETE, on=True)
    return user


@pytest.fixture
def handlers(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[Callable[[JobContext], None]]:
    """The handlers of the next attempts of reports; when they are used up, attempts succeed."""
    send_mail_to(settings, MailServer())
    left: list[Callable[[JobContext], None]] = []

    def handle(context: JobContext) -> None:
        if left:
            left.pop(0)(context)

    monkeypatch.setattr(kinds, "_kinds", {name: kind for name, kind in kinds._kinds.items() if name != "report"})
    register_kind(Kind("report", "reports", handle))
    return left


@pytest.fixture
def ordered(owner: User, handlers: list[Callable[[JobContext], None]]) -> Callable[..., Job]:
    """A report, submitted and handed out."""

    def order(**options: str) -> Job:
        job = submit_job(kind="report", owner=owner, payload={"reportType": "yearly-sales"}, **options)  # type: ignore[arg-type]
        Job.objects.filter(pk=job.pk).update(released_at=Now())
        return job

    return order


def fail(context: JobContext) -> None:
    raise PermanentError("never")


def fail_for_now(context: JobContext) -> None:
    raise RetryableError("again")


def run(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(released_at=Now())
    execute_job(job.pk, worker="w")


def mailed() -> list[str]:
    return list(Job.objects.filter(kind="mail").order_by("pk").values_list("type", flat=True))


def test_the_worker_that_ends_a_job_queues_the_mail(
    ordered: Callable[..., Job], handlers: list[Callable[[JobContext], None]]
) -> None:
    run(ordered())
    handlers.append(fail)
    run(ordered())
    assert mailed() == ["complete", "failed"]
    assert mail_ended_jobs() == 0


def test_an_attempt_that_is_retried_is_no_end(
    ordered: Callable[..., Job], handlers: list[Callable[[JobContext], None]]
) -> None:
    handlers.append(fail_for_now)
    job = ordered()
    run(job)
    assert (mailed(), mail_ended_jobs()) == ([], 0)
    job.refresh_from_db()
    assert job.mails


def test_there_is_no_mail_about_a_canceled_job(
    ordered: Callable[..., Job], handlers: list[Callable[[JobContext], None]]
) -> None:
    cancel_jobs([ordered().pk], actor="ada")

    def be_canceled(context: JobContext) -> None:
        cancel_jobs([context.job.pk], actor="ada")
        raise RetryableError("ended by the way")

    handlers.append(be_canceled)
    run(ordered())
    assert (mailed(), mail_ended_jobs()) == ([], 0)
    assert not Job.objects.filter(mails=True).exists()


def test_a_job_whose_worker_was_lost_is_told_of_by_the_sweep(ordered: Callable[..., Job]) -> None:
    job = ordered()
    claim_job(job.pk, worker="w", celery_task_id="", lease_seconds=60)
    Job.objects.update(lease_expires_at=Now(), max_attempts=1)
    assert rescue_orphaned_jobs() == 1
    assert (mailed(), mail_ended_jobs(), mailed()) == ([], 1, ["failed"])


def test_an_end_is_told_of_whose_worker_died_right_after_it(ordered: Callable[..., Job]) -> None:
    attempt = claim_job(ordered().pk, worker="w", celery_task_id="", lease_seconds=60)
    assert attempt is not None
    finish_job(attempt, result=None, artifacts=[], rows=0, peak_memory_bytes=0)
    assert (mailed(), mail_ended_jobs(), mailed()) == ([], 1, ["complete"])


def test_each_end_is_told_of_where_staff_requeue(
    ordered: Callable[..., Job], handlers: list[Callable[[JobContext], None]]
) -> None:
    handlers += [fail, fail]
    job = ordered()
    run(job)
    requeue_jobs([job.pk], actor="grace", reason="r")
    run(job)
    requeue_jobs([job.pk], actor="grace", reason="r")
    run(job)
    assert mailed() == ["failed", "failed", "complete"]
    assert mail_ended_jobs() == 0


def test_what_staff_discard_or_owners_delete_is_not_told_of_again(
    ordered: Callable[..., Job], handlers: list[Callable[[JobContext], None]]
) -> None:
    handlers += [fail, fail]
    discarded, deleted = ordered(), ordered()
    run(discarded)
    run(deleted)
    discard_jobs([discarded.pk], actor="grace", reason="r")
    purge_jobs([deleted.pk], actor="ada")
    assert (mailed(), mail_ended_jobs()) == (["failed", "failed"], 0)


def test_a_requeue_that_is_undone_is_not_told_of_again(
    ordered: Callable[..., Job], handlers: list[Callable[[JobContext], None]], owner: User
) -> None:
    handlers.append(fail)
    job = ordered()
    run(job)
    bulk = BulkRun.objects.create(act="requeue", criteria={}, reason="r", ordered_by=owner)
    before = snapshot_jobs([job.pk])[job.pk]
    requeue_jobs([job.pk], actor="grace", reason="r")
    item = {"job_id": job.pk, "fencing_token": 1, "level": 0, "outcome": BulkItem.Outcome.CHANGED, "before": before}
    BulkItem.objects.create(run=bulk, **item)
    undo_batch(bulk, actor="grace", after=None)
    job.refresh_from_db()
    assert (job.state, mail_ended_jobs(), mailed()) == (State.DEAD, 0, ["failed"])


def test_of_many_at_once_one_queues_the_mail(ordered: Callable[..., Job]) -> None:
    job = ordered()
    Job.objects.filter(pk=job.pk).update(state=State.DEAD, finished_at=Now())
    with Threads(6) as threads:
        acts = [threads.submit(announce_end, job.pk, MAILS) for _ in range(5)] + [threads.submit(mail_ended_jobs)]
        for act in acts:
            act.result()
    assert mailed() == ["failed"]


def test_a_closed_queue_of_one_channel_keeps_nothing_of_the_other(ordered: Callable[..., Job]) -> None:
    Queue.objects.filter(name="mail").update(accepting=False)
    run(ordered(callback_url=URL))
    assert (told(), mailed()) == (["report.completed"], [])
    with pytest.raises(AdmissionError):
        mail_ended_jobs()
    assert announce_ended_jobs() == 0
    Queue.objects.filter(name="mail").update(accepting=True)
    Queue.objects.filter(name="callbacks").update(accepting=False)
    run(ordered(callback_url=URL))
    assert (mail_ended_jobs(), mailed()) == (1, ["complete", "complete"])
    assert told() == ["report.completed"]


def test_a_deactivated_owner_gets_none(ordered: Callable[..., Job]) -> None:
    job = ordered()
    User.objects.update(is_active=False)
    run(job)
    assert (mailed(), mail_ended_jobs()) == ([], 0)


def test_jobs_of_a_kind_without_pages_or_without_an_owner_are_not_told_of(
    handlers: list[Callable[[JobContext], None]], owner: User
) -> None:
    assert not submit_job(kind="report", owner=None, payload={}).mails
    assert not submit_job(kind="bulk", owner=owner, payload={}).mails
    assert submit_job(kind="report", owner=owner, payload={}).mails


def test_without_mail_an_end_costs_nothing_more(settings: Settings, ordered: Callable[..., Job]) -> None:
    settings.MAIL_IS_ON = False
    job = ordered()
    assert not job.mails
    with CaptureQueriesContext(connection) as queries:
        execute_job(job.pk, worker="w")
    assert [query["sql"] for query in queries if 'SET "mails"' in str(query["sql"])] == []
    requeue_jobs([job.pk], actor="grace", reason="r")
    assert not Job.objects.filter(mails=True).exists()
