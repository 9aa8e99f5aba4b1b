"""Every page that people see, with content: what `tests/support/axe.py` looks at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, SolarSchedule
from django_celery_results.models import GroupResult, TaskResult

from calls.models import Step
from jobs.files.storage import artifact_storage
from jobs.mailing.stopping import stop_token
from jobs.mailing.topics import Topic
from jobs.models import (
    Artifact,
    Attempt,
    AuditEntry,
    CallbackHost,
    Event,
    Job,
    Preferences,
    Queue,
    SavedOrder,
    Schedule,
    ScheduleRun,
    ShareLink,
    Sweep,
    TypeDials,
)
from jobs.models.bulk import BulkRun
from jobs.models.token import ApiToken
from jobs.schedules.beat_rows import save_beat_row
from jobs.schedules.recurrence import Recurrence
from jobs.sharing.links import create_link
from jobs.sharing.signature import token_of
from jobs.states import State
from tabular.dialect import Dialect
from tests.support.ordered_calls import called, called_for_text, ordered
from tests.support.uploads import make_upload, upload
from uploads.models import RememberedHeading, ResumableUpload, UploadPart

DETAIL = "An unexpected error occurred. Its details are kept for the administrators."
ERROR = {
    "error_class": "ValueError",
    "error_message": "The partner refused the order.",
    "error_fingerprint": "0123456789abcdef",
    "result": {"error": {"code": "internal-error", "detail": DETAIL, "retryable": True}},
}


def make_content(owner: User) -> None:
    """Jobs in every state, a dead one with all that belongs to it, and a row of every table that the admin shows."""
    Queue.objects.update(paused=True)
    for state in State:
        ended = {"finished_at": Now()} if state in (State.SUCCEEDED, State.CANCELLED, State.DEAD) else {}
        failed = ERROR if state in (State.FAILED, State.DEAD) else {}
        Job.objects.create(
            state=state, owner=owner, kind="report", type="yearly-sales", queue="reports", max_attempts=5,
            payload={"reportType": "yearly-sales", "parameters": {"year": 2023}, "csv": Dialect().to_payload()},
            progress_percent=100 if state == State.SUCCEEDED else 40, progress_done=40, progress_total=100,
            **ended, **failed,
        )  # fmt: skip
    dead = Job.objects.get(state=State.DEAD)
    for number in (1, 2):
        Attempt.objects.create(
            job=dead, number=number, fencing_token=number, worker="csv@host", celery_task_id="t", finished_at=Now(),
            outcome="failed", traceback="Traceback …\nValueError", error_class="ValueError", error_message="refused",
            error_fingerprint="0123456789abcdef", peak_memory_bytes=80_000_000, conditions={"database": "default"},
        )  # fmt: skip
    names = [
        ("submitted", {}), ("started", {"attempt": 1}), ("failed", {"retryInSeconds": 9}), ("retried", {}),
        ("started", {"attempt": 2}), ("failed", {}), ("dead_lettered", {"reason": "attempts-used-up"}),
    ]  # fmt: skip
    for name, details in names:
        Event.objects.create(job=dead, name=name, details=details)
    for job, role in ((Job.objects.get(state=State.SUCCEEDED), "result"), (dead, "errors")):
        Artifact.objects.create(
            job=job, role=role, storage_name=f"{job.pk}/x", filename="yearly-sales-2023.csv", content_type="text/csv",
            encoding="utf-8", row_count=12, size_bytes=2048, sha256="ab" * 32, published_at=Now(), expires_at=Now(),
        )  # fmt: skip
    make_complete_report(owner)
    running = Job.objects.filter(state=State.RUNNING)
    running.update(started_at=Now(), progress_samples=[0, 0, 1000, 300, 2000, 500, 4000, 1000])
    shared = Job.objects.create(
        state=State.SUCCEEDED, owner=owner, kind="report", type="yearly-sales", queue="reports", max_attempts=5,
        payload=dead.payload, finished_at=Now(),
    )  # fmt: skip
    Artifact.objects.create(
        job=shared, role="result", storage_name=f"{shared.pk}/x", filename="yearly-sales-2023.csv", row_count=12,
        content_type="text/csv", encoding="utf-8", size_bytes=2048, sha256="ab" * 32, published_at=Now(),
    )  # fmt: skip
    create_link(shared.pk, creator=owner, days=1)
    SavedOrder.objects.create(
        owner=owner, kind="report", type="yearly-sales", name="Last year",
        payload={"parameters": {"year": 1}, "csv": {"encoding": "cp932"}, "columns": ["Units", "Month"]},
    )  # fmt: skip
    AuditEntry.objects.create(
        actor="ada",
        action="requeue",
        target_type="job",
        target_id=str(dead.pk),
        reason="again",
        before={"state": "dead"},
    )
    BulkRun.objects.create(act="requeue", criteria={"state": "dead"}, reason="r", ordered_by=owner, stage="checked")
    TypeDials.objects.create(kind="report", type="yearly-sales", rows_per_second=9)
    Sweep.objects.create(name="prune_jobs", last_started_at=Now(), last_finished_at=Now())
    TaskResult.objects.create(task_id="t", status="SUCCESS", task_name="jobs.execute_job")
    GroupResult.objects.create(group_id="g")
    ClockedSchedule.objects.create(clocked_time="2030-01-01T00:00Z")
    CrontabSchedule.objects.create()
    SolarSchedule.objects.create(event="sunrise", latitude=1, longitude=1)
    CallbackHost.objects.create(owner=owner, host="receiver.example", failures=2, openings=1, last_error="no answer")
    ApiToken.objects.create(owner, scopes=["reports:read"])
    Preferences.objects.get_or_create(user=owner, defaults={"mail_expiring": True})
    make_schedule(owner)
    make_resumable_upload(owner)
    RememberedHeading.objects.create(owner=owner, upload_type="products", heading="preis", column="List price")
    ContentType.objects.clear_cache()


def make_schedule(owner: User) -> None:
    """A schedule with a run of each outcome."""
    order = {"body": {"reportType": "yearly-sales", "parameters": {"year": 2023}, "csv": Dialect().to_payload()}}
    schedule = Schedule.objects.create(
        owner=owner, kind="report", type="yearly-sales", name="Each Monday", time_zone="Asia/Tokyo",
        order={**order, "relative": {"year": "last-year"}}, recurrence=Recurrence("week", 7, days=(1,)).to_json(),
        next_run_at=Now(),
    )  # fmt: skip
    save_beat_row(schedule)
    for day, outcome in enumerate(ScheduleRun.Outcome.values, 1):
        at = f"2026-01-{day:02}T07:00Z"
        reason = gettext("This type no longer exists, or you may no longer order it.")
        ScheduleRun.objects.create(schedule=schedule, scheduled_for=at, outcome=outcome, reason=reason)


def make_resumable_upload(owner: User) -> None:
    """One that got no bytes for some hours, with its only part."""
    now = timezone.now()
    upload = ResumableUpload.objects.create(
        owner=owner, length_bytes=9_000_000, offset_bytes=4_000_000, filename="products-2026.csv",
        order={"uploadType": "products", "mode": "atomic", "dryRun": "false"}, created_at=now - timedelta(hours=9),
        expires_at=now + timedelta(hours=settings.RESUMABLE_UPLOAD_HOURS - 8),
    )  # fmt: skip
    UploadPart.objects.create(upload=upload, first_byte=0, size_bytes=4_000_000, storage_name="00/part")


def make_complete_report(owner: User) -> Job:
    """A report whose file exists, with rows and a chart."""
    job = Job.objects.create(
        state=State.SUCCEEDED, owner=owner, kind="report", type="yearly-sales", queue="reports", max_attempts=5,
        payload={"reportType": "yearly-sales", "parameters": {"year": 2023}, "csv": Dialect().to_payload()},
        progress_percent=100, finished_at=Now(),
    )  # fmt: skip
    lines = [f"2023-{month:02},{shop},{month * 7 % 5}.50" for month in range(1, 13) for shop in ("Books", "Toys")]
    content = "\n".join(["Month,Category,Revenue (USD)", *lines, ""]).encode()
    name = f"{job.pk.hex[-2:]}/{job.pk}.1.result"
    with artifact_storage().open_for_writing(name) as file:  # type: ignore[attr-defined]
        file.write(content)
    Artifact.objects.create(
        job=job, role="result", storage_name=name, filename="yearly-sales-2023.csv", content_type="text/csv",
        encoding="utf-8", row_count=len(lines), size_bytes=len(content), sha256="ab" * 32, published_at=Now(),
        expires_at=timezone.now() + timedelta(days=7),
    )  # fmt: skip
    return job


def make_uploads(owner: User) -> Job:
    """A check with errors and samples, a queued upload, a refused one, and one whose good rows were written."""
    rows = "sku,name,category,list_price\nA-1,Bolt,Tools,1.50\nA-2,Nut,Tools,cheap\n,Washer,Tools,0.10\n"
    upload(owner, "products", rows, dryRun=True)
    upload(owner, "products", rows)
    make_upload(owner, "products", rows.encode())
    return upload(owner, "products", rows, mode="partial")


def upload_pages() -> Iterator[str]:
    """The pages for people who upload files. Their uploads are made first."""
    written = make_uploads(User.objects.get())
    yield from ("/uploads", "/uploads/new", "/uploads/new?type=products", "/uploads/new?type=order-lines")
    for job in Job.objects.filter(kind="upload").order_by("pk"):
        yield reverse("upload-detail", args=[job.pk])
    yield from (reverse(f"upload-page-{name}", args=[written.pk]) for name in ("mend", "undo", "match"))


def call_pages() -> Iterator[str]:
    """The pages for people who order calls. Their calls are made first, one in each of the states that differ."""
    owner = User.objects.get()
    jobs = [called(owner, *range(12)), called(owner, 1, 13), called(owner, 1, 19), called_for_text(owner, 300_000)]
    jobs += [called(owner, 1, 13, 17, keep_failures=True), ordered(owner, 1)]
    yield from ("/calls", "/calls/new", "/calls/new?type=doubles", "/calls/new?type=text")
    for job in jobs:
        yield reverse("call-detail", args=[job.pk])
    yield from (reverse("call-page-steps", args=[job.pk]) for job in (jobs[0], jobs[-1]))


def user_pages() -> Iterator[str]:
    """The pages for people who order reports."""
    yield from ("/", "/search", "/search?q=yearly+2023", "/search?q=nothing-like-this", "/reports")
    yield from ("/reports?status=Failed&status=Queued", "/reports?status=Expired&type=customers", "/reports?status=No")
    for state, action in ((State.QUEUED, "cancel"), (State.DEAD, "retry"), (State.CANCELLED, "delete")):
        yield f"/reports/selected?action={action}&job={Job.objects.get(state=state).pk}"
    yield from ("/reports/new", "/reports/new?type=yearly-sales")
    yield from ("/reports/new?q=nothing", "/reports/new?type=order-lines", "/reports/new?type=customers")
    yield from (reverse("report-page-saved", args=[saved.pk]) for saved in SavedOrder.objects.all())
    yield from (reverse("report-detail", args=[job.pk]) for job in Job.objects.order_by("pk"))
    complete = Job.objects.filter(state=State.SUCCEEDED).latest("pk")
    yield reverse("report-rows", args=[complete.pk]) + "?sort=1&direction=descending"
    link = ShareLink.objects.get()
    yield reverse("report-detail", args=[link.job_id]) + f"?link={link.pk}"
    yield reverse("shared", args=[token_of(link)])
    yield from ("/tokens", "/no/such/page", "/api/errors")
    yield from ("/schedules", "/schedules/new", "/schedules/new?kind=report&type=order-lines")
    yield from (reverse("schedule-detail", args=[schedule.pk]) for schedule in Schedule.objects.all())


def visitor_pages() -> Iterator[str]:
    """What those see who are not signed in."""
    yield from ("/sign-in", "/admin/login/", "/no/such/page", "/shared/forged", "/api/docs")
    yield from ("/sign-in", "/admin/login/", "/no/such/page", "/api/docs", "/mail/stop/forged")
    yield from ("/password/forgot/sent", "/password/reset/MQ/forged")
    reader, _ = User.objects.get_or_create(username="reader")
    yield f"/mail/stop/{stop_token(reader.pk, Topic.FAILED)}"


def models(*, every: bool) -> list[type[Model]]:
    """Those of the admin: ours, and one of each other app, whose pages are of one template; or all."""
    ours = {Job._meta.app_label, ResumableUpload._meta.app_label, Step._meta.app_label}
    first: dict[str, type[Model]] = {}
    for model in admin.site._registry:
        label = model._meta.app_label
        first.setdefault(model._meta.label if every or label in ours else label, model)
    return list(first.values())


def admin_lists(*, every: bool) -> Iterator[str]:
    """The first page, and the lists of models."""
    yield reverse("admin:index")
    for model in models(every=every):
        yield reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    yield reverse("admin:jobs_job_changelist") + "?state=dead"
    yield reverse("admin:jobs_job_changelist") + "?q=nothing-like-this"


def admin_work() -> Iterator[str]:
    """Where the staff works: one job, one queue, an order for many."""
    yield reverse("admin:jobs_job_change", args=[Job.objects.get(state=State.DEAD).pk])
    yield reverse("admin:jobs_queue_change", args=["reports"])
    yield "/admin/jobs/bulkrun/order/?act=requeue&state=dead"


def admin_forms(*, every: bool) -> Iterator[str]:
    """The pages of one object of models, and one of each sort of form."""
    for model in models(every=every):
        objects = model._default_manager.order_by("pk")
        found = objects.get(state=State.DEAD) if model is Job else objects.first()
        if found is not None:
            yield reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[found.pk])
    yield from (reverse(f"admin:{name}_add") for name in ("auth_user", "django_celery_beat_periodictask"))
    yield reverse("admin:auth_user_delete", args=[User.objects.get().pk])
    yield reverse("admin:jobs_job_edit", args=[Job.objects.get(state=State.DEAD).pk])
    yield "/admin/jobs/bulkrun/order/?act=requeue&state=dead"
    yield "/admin/jobs/queue/reports/resume/"
    yield "/admin/password_change/"
