"""Who may what: every page and every act of the admin, for every role. What is not listed here fails a test."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models.functions import Now
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, reverse
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from django_celery_results.models import TaskResult

from calls.models import Host, Step
from jobs.interventions.schedules import stop_schedules
from jobs.models import (
    Artifact,
    Attempt,
    AuditEntry,
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
from jobs.states import State
from uploads.models import RememberedHeading, ResumableUpload

pytestmark = pytest.mark.django_db

VIEWER, OPERATOR, ADMINISTRATOR = "viewer", "operator", "administrator"
ALL = (VIEWER, OPERATOR, ADMINISTRATOR)
ROLES = (*ALL, "staff", "non-staff", "anonymous")

#: Models of the admin, and who may see them.
SEEN_BY: Final = {
    "jobs_job": ALL, "jobs_attempt": ALL, "jobs_artifact": ALL, "jobs_auditentry": ALL, "jobs_bulkrun": ALL,
    "jobs_callbackhost": ALL, "jobs_callbackendpoint": ALL,
    "jobs_schedule": ALL, "jobs_schedulerun": ALL, "jobs_sharelink": ALL, "jobs_savedorder": ALL,
    "jobs_preferences": ALL, "uploads_resumableupload": ALL, "uploads_rememberedheading": ALL,
    "calls_host": ALL,
    "jobs_queue": ALL, "jobs_sweep": ALL, "jobs_typedials": ALL, "django_celery_beat_periodictask": ALL,
    "django_celery_beat_intervalschedule": ALL, "django_celery_beat_crontabschedule": ALL,
    "django_celery_beat_clockedschedule": (ADMINISTRATOR,), "django_celery_beat_solarschedule": (),
    "django_celery_results_taskresult": ALL, "django_celery_results_groupresult": (),
    "calls_step": ALL,
    "auth_user": (ADMINISTRATOR,), "auth_group": (ADMINISTRATOR,), "jobs_apitoken": (ADMINISTRATOR,),
    "axes_accessattempt": (ADMINISTRATOR,), "axes_accesslog": (), "axes_accessfailurelog": (),
}  # fmt: skip
#: Models that can be added and changed, and by whom; deleted, where not otherwise.
EDITED_BY: Final = {
    "jobs_queue": (ADMINISTRATOR,), "jobs_typedials": (ADMINISTRATOR,),
    "django_celery_beat_periodictask": (ADMINISTRATOR,), "django_celery_beat_intervalschedule": (ADMINISTRATOR,),
    "django_celery_beat_crontabschedule": (ADMINISTRATOR,), "django_celery_beat_clockedschedule": (ADMINISTRATOR,),
    "auth_user": (ADMINISTRATOR,), "auth_group": (ADMINISTRATOR,),
}  # fmt: skip
DELETED_BY: Final = {
    **{name: roles for name, roles in EDITED_BY.items() if name != "jobs_queue"},
    "jobs_apitoken": (ADMINISTRATOR,), "axes_accessattempt": (ADMINISTRATOR,),
}  # fmt: skip

#: Acts, each by what is posted where, and by whom it may be done.
OPERATORS: Final = (OPERATOR, ADMINISTRATOR)
JOINED: Final = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
ACTS: Final[dict[str, tuple[str, dict[str, str], tuple[str, ...]]]] = {
    "requeue": ("/admin/jobs/job/", {"action": "requeue_jobs", "_selected_action": "{job}"}, OPERATORS),
    "discard": ("/admin/jobs/job/", {"action": "discard_jobs", "_selected_action": "{job}"}, OPERATORS),
    "cancel": ("/admin/jobs/job/", {"action": "cancel_jobs", "_selected_action": "{job}"}, OPERATORS),
    "delete": ("/admin/jobs/job/", {"action": "delete_selected", "_selected_action": "{job}"}, ()),
    "edit": ("/admin/jobs/job/{job}/edit/", {"payload": '{{"a": 2}}'}, OPERATORS),
    "post to the page": ("/admin/jobs/job/{job}/change/", {"state": "succeeded"}, ()),
    "reveal": ("/admin/jobs/job/{job}/reveal/", {}, (ADMINISTRATOR,)),
    "bulk": ("/admin/jobs/bulkrun/order/?act=requeue&state=dead", {"jobs_per_second": "1"}, OPERATORS),
    "steer": ("/admin/jobs/bulkrun/{run}/steer/", {"button": "drop"}, OPERATORS),
    "pause": ("/admin/jobs/queue/uploads/pause/", {}, OPERATORS),
    "stop a schedule of a user": (
        "/admin/jobs/schedule/",
        {"action": "stop_schedules", "_selected_action": "{schedule}"},
        OPERATORS,
    ),
    "resume a schedule of a user": (
        "/admin/jobs/schedule/",
        {"action": "resume_schedules", "_selected_action": "{stopped}"},
        OPERATORS,
    ),
    "revoke": ("/admin/jobs/sharelink/", {"action": "revoke_links", "_selected_action": "{link}"}, OPERATORS),
    "delete an upload": (
        "/admin/uploads/resumableupload/",
        {"action": "delete_uploads", "_selected_action": "{upload}"},
        OPERATORS,
    ),
    "close a host": (
        "/admin/calls/host/",
        {"action": "close_hosts", "_selected_action": "api.example:8443", "minutes": "5"},
        OPERATORS,
    ),
    "open a host": ("/admin/calls/host/", {"action": "open_hosts", "_selected_action": "api.example:8443"}, OPERATORS),
    "limit a host": (
        "/admin/calls/host/",
        {"action": "set_limits", "_selected_action": "api.example:8443", "in_flight": "9"},
        (ADMINISTRATOR,),
    ),
    "delete schedules": (
        "/admin/jobs/schedule/",
        {"action": "delete_selected", "_selected_action": "{schedule}"},
        (),
    ),
    "dial": (
        "/admin/jobs/queue/uploads/change/",
        {"max_running": "9", "pace": "fixed", "database": "default"},
        (ADMINISTRATOR,),
    ),
    "dial of a type": (
        "/admin/jobs/typedials/add/",
        {"kind": "report", "type": "customers", "rows_per_second": "9"},
        (ADMINISTRATOR,),
    ),
    "schedule": (
        "/admin/django_celery_beat/periodictask/",
        {"action": "disable_tasks", "_selected_action": "{task}"},
        (ADMINISTRATOR,),
    ),
    "rename": ("/admin/auth/user/{user}/change/", {"username": "ida", **JOINED}, (ADMINISTRATOR,)),
    "rename root": ("/admin/auth/user/{root}/change/", {"username": "ida", **JOINED}, ()),
}


@pytest.fixture
def things(
    make_job: Callable[..., Job], kind_of: Callable[..., str], make_schedule: Callable[..., Schedule], owner: User
) -> dict[str, Any]:
    """One of each, by the name of its model."""
    kind_of(lambda context: None)
    Queue.objects.filter(name="reports").update(paused=True)
    job = make_job(state=State.DEAD, released_at=None, payload={"a": 1, "token": "secret-secret"}, finished_at=Now())
    run = BulkRun.objects.create(
        act="requeue", criteria={}, reason="r", ordered_by=User.objects.create_user("grace"), stage="checked"
    )
    schedule, stopped = make_schedule(), make_schedule()
    stop_schedules([stopped.pk], actor="root", reason="r")
    ends = timezone.now() + timedelta(days=1)
    return {
        "calls_host": Host.objects.create(host="api.example:8443", failures=3),
        "jobs_schedule": schedule,
        "stopped": stopped,
        "jobs_schedulerun": ScheduleRun.objects.create(schedule=schedule, scheduled_for=Now()),
        "jobs_sharelink": ShareLink.objects.create(job=job, created_by=owner, expires_at=ends),
        "jobs_savedorder": SavedOrder.objects.create(owner=owner, kind="report", type="t", name="n", payload={}),
        "jobs_preferences": Preferences.objects.create(user=owner),
        "uploads_resumableupload": ResumableUpload.objects.create(
            owner=owner, length_bytes=9, filename="f.csv", order={"uploadType": "products"}, expires_at=ends
        ),
        "uploads_rememberedheading": RememberedHeading.objects.create(
            owner=owner, upload_type="products", heading="preis", column="Price"
        ),
        "jobs_job": job,
        "calls_step": Step.objects.create(job=job, name="s", fingerprint="f", attempt=1, outcome="done", duration_ms=1),
        "jobs_attempt": Attempt.objects.create(job=job, number=1, fencing_token=1, worker="w"),
        "jobs_artifact": Artifact.objects.create(job=job, role="errors", row_count=0, size_bytes=0),
        "jobs_auditentry": AuditEntry.objects.create(actor="a", action="pause", target_type="queue", target_id="q"),
        "jobs_bulkrun": run,
        "jobs_queue": Queue.objects.get(name="reports"),
        "jobs_typedials": TypeDials.objects.create(kind="report", type="yearly-sales", rows_per_second=9),
        "jobs_sweep": Sweep.objects.create(name="s", last_started_at=Now()),
        "django_celery_beat_periodictask": PeriodicTask.objects.first(),
        "django_celery_beat_intervalschedule": IntervalSchedule.objects.first(),
        "django_celery_results_taskresult": TaskResult.objects.create(task_id="t"),
        "auth_user": User.objects.get(username="grace"),
        "auth_group": Group.objects.get(name=VIEWER),
    }


@pytest.fixture
def browser() -> Callable[[str], Client]:
    def sign_in(role: str) -> Client:
        client = Client()
        if role == "anonymous":
            return client
        user = User.objects.create_user(role, is_staff=role != "non-staff")
        if role in ALL:
            user.groups.add(Group.objects.get(name=role))
        client.force_login(user)
        return client

    return sign_in


def model_names() -> set[str]:
    return {f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry}


def test_every_model_of_the_admin_stands_in_the_matrix() -> None:
    assert model_names() == set(SEEN_BY)


def pages(things: dict[str, Any]) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    """Every page of every model: its path, who may see it, and whether being refused may also be a redirect home."""
    for name, roles in SEEN_BY.items():
        yield reverse(f"admin:{name}_changelist"), roles, False
        for page, allowed in (("add", EDITED_BY), ("delete", DELETED_BY), ("change", SEEN_BY), ("history", SEEN_BY)):
            if page == "add":
                yield reverse(f"admin:{name}_add"), allowed.get(name, ()), False
            elif name in things:
                path = reverse(f"admin:{name}_{page}", args=[things[name].pk])
                yield path, allowed.get(name, ()), page == "history"
    job, run = things["jobs_job"], things["jobs_bulkrun"]
    yield reverse("admin:jobs_job_groups"), ALL, False
    yield reverse("admin:jobs_services"), ALL, False
    yield reverse("admin:jobs_job_edit", args=[job.pk]), OPERATORS, False
    yield reverse("admin:jobs_job_reveal", args=[job.pk]), (), False
    yield reverse("admin:jobs_job_download", args=[job.pk, things["jobs_artifact"].pk]), (), False
    yield reverse("admin:jobs_bulkrun_order") + "?act=discard&state=dead", OPERATORS, False
    yield reverse("admin:jobs_bulkrun_steer", args=[run.pk]), (), False
    yield reverse("admin:jobs_queue_pause", args=["reports"]), OPERATORS, False
    yield reverse("admin:jobs_queue_resume", args=["reports"]), OPERATORS, False
    yield reverse("admin:auth_user_password_change", args=[things["auth_user"].pk]), (ADMINISTRATOR,), False


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_every_page_opens_for_whom_it_is_meant_and_for_nobody_else(
    role: str, browser: Callable[[str], Client], things: dict[str, Any]
) -> None:
    client = browser(role)
    wrong = []
    for path, roles, redirects in pages(things):
        response = client.get(path)
        if role in ("non-staff", "anonymous"):
            right = response.status_code == 302 and response["Location"].startswith("/admin/login/")
        elif role in roles:
            right = response.status_code == 200 or (redirects and response.status_code == 302)
        else:
            right = response.status_code in (403, 404, 405) or (redirects and response.status_code == 302)
        if not right:
            wrong.append((path, response.status_code))
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_every_act_is_done_by_whom_it_may_be_and_changes_nothing_for_anybody_else(
    role: str, browser: Callable[[str], Client], things: dict[str, Any]
) -> None:
    client = browser(role)
    names = {
        "job": str(things["jobs_job"].pk), "run": str(things["jobs_bulkrun"].pk), "user": str(things["auth_user"].pk),
        "root": str(User.objects.create_superuser("root").pk),
        "schedule": str(things["jobs_schedule"].pk), "stopped": str(things["stopped"].pk),
        "link": str(things["jobs_sharelink"].pk), "upload": str(things["uploads_resumableupload"].pk),
        "task": str(things["django_celery_beat_periodictask"].pk),
    }  # fmt: skip
    before = state_of_everything()
    done = []
    for act, (path, fields, _) in ACTS.items():
        posted = {name: value.format(**names) for name, value in fields.items()} | {"post": "yes", "reason": "because"}
        with transaction.atomic():
            client.post(path.format(**names), posted)
            if state_of_everything() != before:
                done.append(act)
            transaction.set_rollback(True)
    assert done == [act for act, (_, _, roles) in ACTS.items() if role in roles]


def state_of_everything() -> list[object]:
    """All that an act could change."""
    return [
        list(Job.objects.order_by("pk").values()),
        list(Schedule.objects.order_by("pk").values()),
        list(ShareLink.objects.order_by("pk").values()),
        list(Host.objects.order_by("pk").values()),
        list(ResumableUpload.objects.order_by("pk").values()),
        list(Queue.objects.order_by("pk").values()),
        list(TypeDials.objects.order_by("pk").values()),
        list(BulkRun.objects.order_by("pk").values()),
        list(AuditEntry.objects.order_by("pk").values()),
        list(PeriodicTask.objects.order_by("pk").values_list("pk", "enabled")),
        list(User.objects.order_by("pk").values_list("username", "is_superuser", "is_staff")),
    ]


def test_the_matrix_knows_every_url_of_the_admin(things: dict[str, Any]) -> None:
    """A page that is added without a line above fails here."""
    known = {"autocomplete", "index", "jsi18n", "login", "logout", "password_change", "password_change_done", "search",
             "app_list", "view_on_site"}  # fmt: skip
    named = {
        "jobs_job_groups", "jobs_services", "jobs_job_cost", "jobs_job_edit", "jobs_job_reveal", "jobs_job_download",
        "jobs_bulkrun_order", "jobs_bulkrun_steer", "jobs_queue_pause", "jobs_queue_resume",
        "auth_user_password_change",
    }  # fmt: skip
    usual = {f"{name}_{page}" for name in SEEN_BY for page in ("changelist", "add", "delete", "change", "history")}
    assert set(url_names(admin.site.urls[0])) - known - named - usual == set()


def url_names(patterns: list[Any]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            if pattern.name:
                yield pattern.name
        else:
            yield from url_names(pattern.url_patterns)


@pytest.mark.parametrize("role", ROLES)
def test_no_role_may_delete_the_trail_or_the_jobs(role: str, browser: Callable[[str], Client], things: Any) -> None:
    client = browser(role)
    for name in ("jobs_job", "jobs_attempt", "jobs_artifact", "jobs_auditentry", "jobs_bulkrun", "jobs_sweep"):
        client.post(reverse(f"admin:{name}_delete", args=[things[name].pk]), {"post": "yes"})
        client.post(reverse(f"admin:{name}_changelist"), {
            "action": "delete_selected", "_selected_action": str(things[name].pk), "post": "yes",
        })  # fmt: skip
        assert type(things[name]).objects.filter(pk=things[name].pk).exists()


def test_a_page_that_is_not_there_is_no_reverse() -> None:
    with pytest.raises(NoReverseMatch):
        reverse("admin:jobs_activity_changelist")
