"""Bulk runs in real workers: ten thousand dead jobs, of which one group is requeued."""

from collections import Counter
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Max, Min
from django.test import Client

from jobs.models import AuditEntry, Event, Job
from jobs.models.bulk import BulkRun, Stage
from jobs.states import State
from tests.support.stack import Stack
from tests.support.threads import Threads
from tests.support.waiting import wait_until

ORDER = "/admin/jobs/bulkrun/order/?act=requeue&fingerprint="
GROUPS = {"a" * 16: 240, "b" * 16: 5000, "c" * 16: 4760}


def make_dead_jobs(fingerprint: str, count: int, *, kind: str, owner: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO jobs_job (id, kind, queue, owner, payload, state, priority, due, attempt_count, max_attempts,"
            " fencing_token, progress_done, progress_percent, error_class, error_message, error_fingerprint,"
            " request_fingerprint, finished_at)"
            " SELECT gen_random_uuid(),"
            " %s, 'reports', %s, '{}', 'dead', 0, true, 5, 5, 5, 0, 0, 'E', 'broken', %s, '', now()"
            " FROM generate_series(1, %s)",
            [kind, owner.pk, fingerprint, count],
        )


@pytest.fixture
def windows(stack: Stack) -> list[Client]:
    """Two windows of one operator."""
    operator = User.objects.create_superuser("operator")
    pair = [Client(), Client()]
    for window in pair:
        window.force_login(operator)
    return pair


def post_in_both(windows: list[Client], path: str, fields: dict[str, str]) -> None:
    with Threads(2) as threads:
        statuses = list(threads.map(lambda window: window.post(path, fields).status_code, windows))
    assert statuses == [302, 302]


def wait_for(stage: Stage) -> BulkRun:
    wait_until(BulkRun.objects.filter(stage=stage).exists, timeout=40, message=f"the run is {stage}")
    return BulkRun.objects.get()


def test_one_group_of_ten_thousand_dead_jobs_is_requeued_each_job_once(
    windows: list[Client], owner: User, known_kinds: None
) -> None:
    for fingerprint, count in GROUPS.items():
        make_dead_jobs(fingerprint, count, kind="fault-note", owner=owner)
    wanted = "a" * 16

    post_in_both(windows, ORDER + wanted, {"reason": "mended", "jobs_per_second": "50"})
    run = wait_for(Stage.CHECKED)
    assert BulkRun.objects.count() == 1
    assert Counter(run.items.values_list("level", "outcome")) == {(0, "pending"): GROUPS[wanted]}

    steer = f"/admin/jobs/bulkrun/{run.pk}/steer/"
    post_in_both(windows, steer, {"button": "start"})
    wait_for(Stage.RUNNING)
    wait_until(lambda: run.items.filter(outcome="changed").count() > 60, message="a quarter is requeued")
    windows[0].post(steer, {"button": "pause"})
    wait_until(
        lambda: not Job.objects.filter(kind="bulk", state__in=["queued", "running"]).exists(), message="the leg ends"
    )
    paused_at = run.items.filter(outcome="changed").count()
    assert 60 < paused_at < GROUPS[wanted]
    assert Job.objects.filter(error_fingerprint=wanted, state=State.DEAD).count() == GROUPS[wanted] - paused_at
    post_in_both(windows, steer, {"button": "resume"})
    wait_for(Stage.DONE)

    requeued = Event.objects.filter(name="requeued")
    assert Counter(requeued.values_list("job__error_fingerprint", flat=True)).keys() <= {wanted, ""}
    per_job = Counter(requeued.values_list("job_id", flat=True))
    assert (len(per_job), set(per_job.values())) == (GROUPS[wanted], {1})
    for fingerprint in ("b" * 16, "c" * 16):
        untouched = Job.objects.filter(error_fingerprint=fingerprint, state=State.DEAD, attempt_count=5)
        assert untouched.count() == GROUPS[fingerprint]
    rest = requeued.order_by("id")[paused_at:]
    times = rest.aggregate(first=Min("at"), last=Max("at"))
    assert rest.count() / (times["last"] - times["first"]).total_seconds() < 60  # jobs/s; ordered were 50

    wait_until(
        lambda: Job.objects.filter(kind="fault-note", state=State.SUCCEEDED).count() == GROUPS[wanted],
        timeout=40,
        message="all of the group succeed",
    )
    assert AuditEntry.objects.filter(action="requeue", target_type="job").count() == GROUPS[wanted]
    acts = AuditEntry.objects.filter(target_type="bulk run").order_by("id").values_list("actor", "action", "reason")
    assert list(acts) == [("operator", act, "mended") for act in ("add", "start", "pause", "resume")]


def test_a_canary_that_dies_again_keeps_the_others_from_it(
    windows: list[Client], owner: User, known_kinds: None, stored: Callable[[], set[str]]
) -> None:
    make_dead_jobs("a" * 16, 20, kind="fault-refuse", owner=owner)
    windows[0].post(ORDER + "a" * 16, {"reason": "mended?", "jobs_per_second": "1000"})
    run = wait_for(Stage.CHECKED)
    windows[0].post(f"/admin/jobs/bulkrun/{run.pk}/steer/", {"button": "start"})
    run = wait_for(Stage.HALTED)
    assert run.note.startswith(f"The canary {run.canary} is dead: jobs.errors.PermanentError: never")
    assert Event.objects.filter(name="requeued").count() == 1
