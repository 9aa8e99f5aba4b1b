"""Every page of the admin takes as many queries with ten thousand jobs as with ten."""

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from calls.models import Step
from jobs.models import Job
from jobs.models.bulk import BulkRun

pytestmark = pytest.mark.django_db

#: Jobs of all states and three fingerprints, each with an attempt, two events, a file, an item, an audit entry.
FILL = (
    """
    INSERT INTO jobs_job (id, kind, type, queue, owner, payload, state, priority, due, attempt_count, max_attempts,
        fencing_token, progress_done, progress_percent, error_class, error_message, error_fingerprint,
        request_fingerprint, lease_expires_at, retry_at, finished_at)
    SELECT gen_random_uuid(), 'bulk', 't', 'reports', %(owner)s, '{"a": 1}', state, 0, true, 1, 5, 1, 0, 0,
        CASE WHEN state IN ('dead', 'failed') THEN 'E' || i %% 3 ELSE '' END, 'broken',
        CASE WHEN state IN ('dead', 'failed') THEN repeat((i %% 3)::text, 16) ELSE '' END, '',
        CASE state WHEN 'running' THEN now() + interval '1 hour' END,
        CASE state WHEN 'failed' THEN now() + interval '1 hour' END,
        CASE WHEN state IN ('dead', 'succeeded') THEN now() END
    FROM (
        SELECT i, (ARRAY['dead', 'succeeded', 'queued', 'running', 'failed'])[1 + i %% 5] AS state
        FROM generate_series(1, %(jobs)s) AS i
    ) AS job
    """,
    """
    INSERT INTO jobs_attempt (job_id, number, fencing_token, worker, celery_task_id, outcome, error_class,
        error_message, error_fingerprint, traceback, started_at, finished_at)
    SELECT id, 1, 1, 'w', 't-' || id, 'failed', error_class, '', error_fingerprint, '', now(), now() FROM jobs_job
    """,
    """INSERT INTO jobs_event (job_id, name, actor, details) SELECT id, 'submitted', 'ada', '{}' FROM jobs_job""",
    """
    INSERT INTO jobs_artifact (job_id, role, storage_name, filename, content_type, encoding, row_count, size_bytes,
        sha256, published_at)
    SELECT id, 'errors', id, 'f.csv', 'text/csv', 'utf-8', 1, 1, '', now() FROM jobs_job
    """,
    """
    INSERT INTO jobs_auditentry (actor, action, target_type, target_id, reason, before, after)
    SELECT 'ada', 'requeue', 'job', id, 'r', '{"state": "dead"}', '{}' FROM jobs_job
    """,
    """
    INSERT INTO jobs_bulkitem (run_id, job_id, fencing_token, level, outcome, why)
    SELECT %(run)s, id, 1, 1, 'pending', 'w' || left(id::text, 4) FROM jobs_job
    """,
    """
    INSERT INTO jobs_callbackhost (owner_id, host, failures, openings, last_error)
    SELECT %(owner)s, id, 1, 0, 'no' FROM jobs_job
    """,
    """
    INSERT INTO jobs_callbackendpoint (id, owner_id, url, host, disabled_at, reason)
    SELECT id, %(owner)s, 'https://example.com/' || id, 'example.com', now(), 'gone' FROM jobs_job
    """,
    """
    INSERT INTO jobs_sharelink (id, job_id, created_by_id, expires_at, use_count)
    SELECT id, id, %(owner)s, now() + interval '1 hour', 0 FROM jobs_job
    """,
    """
    INSERT INTO jobs_schedule (id, owner_id, kind, type, name, "order", recurrence, time_zone, mail, callback_url,
        pause_reason, failures, next_run_at)
    SELECT id, %(owner)s, 'report', 't', 'n', '{"body": {"parameters": {}}, "relative": {}}',
        '{"every": "day", "hour": 7, "minute": 0, "days": [], "day": 0, "expression": ""}', 'UTC', 'failed', '', '', 0,
        now() FROM jobs_job
    """,
    """
    INSERT INTO jobs_schedulerun (schedule_id, job_id, scheduled_for, is_manual, outcome, reason)
    SELECT id, id, now(), false, 'failed', 'why' FROM jobs_job
    """,
    """
    INSERT INTO jobs_savedorder (owner_id, kind, type, name, payload, language, created_at)
    SELECT %(owner)s, 'report', 't', id, '{}', '', now() FROM jobs_job
    """,
    """
    INSERT INTO uploads_resumableupload (id, owner_id, length_bytes, offset_bytes, "order", filename, metadata,
        fencing_token, job_id, expires_at)
    SELECT id, %(owner)s, 9, 9, '{"uploadType": "t"}', 'f.csv', '', 0, CASE state WHEN 'dead' THEN id END, now()
    FROM jobs_job
    """,
    """
    INSERT INTO uploads_rememberedheading (owner_id, upload_type, heading, "column")
    SELECT %(owner)s, 't', id, 'c' FROM jobs_job
    """,
    """
    INSERT INTO calls_step (job_id, name, of_item, fingerprint, attempt, outcome, request, answer, error_code,
        error_message, duration_ms)
    SELECT id, 's', false, 'f', 1, 'refused', '{"method": "GET"}', '{"status": 404}', 'gone', 'It is gone.', 12
    FROM jobs_job
    """,
    "INSERT INTO jobs_searchterms (job_id, terms) SELECT id, ARRAY['1', 'a=1'] FROM jobs_job",
    """
    INSERT INTO django_celery_results_taskresult (task_id, status, content_type, content_encoding, result, date_done,
        date_created, task_args, task_kwargs, task_name, traceback, meta, worker)
    SELECT 't-' || id, 'SUCCESS', '', '', '', now(), now(), '', '', '', '', '', '' FROM jobs_job
    """,
)
LISTS = (
    "/admin/", "/admin/jobs/job/", "/admin/jobs/job/?state=dead", "/admin/jobs/job/?kind=bulk",
    "/admin/jobs/job/?type=t", "/admin/jobs/job/?queue=reports", "/admin/jobs/job/?owner=ada",
    "/admin/jobs/job/?error=E1", "/admin/jobs/job/?fingerprint=1111111111111111", "/admin/jobs/job/?age=hour",
    "/admin/jobs/job/?trouble=orphaned", "/admin/jobs/job/?q=ada", "/admin/jobs/job/?q=a%3D1",
    "/admin/jobs/job/groups/", "/admin/jobs/attempt/", "/admin/jobs/artifact/", "/admin/jobs/auditentry/",
    "/admin/jobs/callbackhost/", "/admin/jobs/callbackhost/?q=a", "/admin/jobs/callbackendpoint/",
    "/admin/jobs/callbackendpoint/?q=ada", "/admin/jobs/bulkrun/",
    "/admin/jobs/queue/", "/admin/jobs/sweep/", "/admin/auth/user/", "/admin/auth/group/",
    "/admin/django_celery_results/taskresult/", "/admin/django_celery_beat/periodictask/",
    "/admin/jobs/sharelink/", "/admin/jobs/sharelink/?state=live&owner=ada", "/admin/jobs/sharelink/?q=ada",
    "/admin/jobs/schedule/", "/admin/jobs/schedule/?state=stopped", "/admin/jobs/schedule/?q=ada",
    "/admin/jobs/schedulerun/", "/admin/jobs/schedulerun/?outcome__exact=failed", "/admin/jobs/schedulerun/?q=ada",
    "/admin/jobs/savedorder/", "/admin/jobs/preferences/", "/admin/uploads/resumableupload/",
    "/admin/uploads/resumableupload/?state=stuck", "/admin/uploads/resumableupload/?q=ada",
    "/admin/uploads/rememberedheading/", "/admin/calls/step/", "/admin/calls/step/?outcome__exact=refused",
    "/admin/calls/step/?q=ada",
    "/admin/jobs/bulkrun/order/?act=requeue&state=dead", "/admin/jobs/queue/reports/change/",
)  # fmt: skip


def fill(owner: User, run: BulkRun, jobs: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "TRUNCATE jobs_job, jobs_bulkitem, django_celery_results_taskresult, jobs_callbackhost,"
            " jobs_callbackendpoint, jobs_schedule, jobs_savedorder, uploads_resumableupload,"
            " uploads_rememberedheading"
            " RESTART IDENTITY CASCADE"
        )
        for statement in FILL:
            cursor.execute(statement, {"owner": owner.pk, "jobs": jobs, "run": run.pk})


def query_counts(client: Client, run: BulkRun) -> dict[str, int]:
    job = Job.objects.filter(state="dead").latest("pk")
    attempt, artifact = job.attempts.get(), job.artifacts.get()
    details = {
        "job": f"/admin/jobs/job/{job.pk}/change/", "edit": f"/admin/jobs/job/{job.pk}/edit/",
        "attempt": f"/admin/jobs/attempt/{attempt.pk}/change/", "run": f"/admin/jobs/bulkrun/{run.pk}/change/",
        "share link": f"/admin/jobs/sharelink/{job.pk}/change/", "schedule": f"/admin/jobs/schedule/{job.pk}/change/",
        "resumable upload": f"/admin/uploads/resumableupload/{job.pk}/change/",
        "artifact": f"/admin/jobs/artifact/{artifact.pk}/change/",
        "step": f"/admin/calls/step/{Step.objects.latest('pk').pk}/change/",
    }  # fmt: skip
    counts = {}
    for name, path in {**{path: path for path in LISTS}, **details}.items():
        with CaptureQueriesContext(connection) as queries:
            response = client.get(path)
        assert response.status_code == 200, path
        counts[name] = len(queries)
    for action in ("requeue_jobs", "discard_jobs", "cancel_jobs"):
        chosen = [str(pk) for pk in Job.objects.order_by("-pk").values_list("pk", flat=True)[:50]]
        with CaptureQueriesContext(connection) as queries:
            client.post("/admin/jobs/job/", {"action": action, "_selected_action": chosen})
        counts[action] = len(queries)
    return counts


@pytest.mark.slow
def test_query_counts_are_constant(client: Client, owner: User) -> None:
    staff = User.objects.create_superuser("root")
    client.force_login(staff)
    run = BulkRun.objects.create(act="requeue", criteria={}, reason="r", ordered_by=staff, stage="checked")
    ContentType.objects.get_for_models(*apps.get_models())  # which Django remembers from here on
    fill(owner, run, 10)
    few = query_counts(client, run)
    fill(owner, run, 10_000)
    many = query_counts(client, run)
    assert many == few
    assert max(many.values()) < 30
