"""The context of the page of one job."""

from __future__ import annotations

import json
from typing import Any, Final

from django.http import HttpRequest
from django.utils import timezone
from django_celery_results.models import TaskResult

from jobs.admin.job_links import links_of
from jobs.admin.owners import lists_of_owner
from jobs.admin.timeline import LEGEND, draw_bars
from jobs.durations import in_words
from jobs.interventions.inquiries import latest_inquiries
from jobs.interventions.requeue_checks import RequeueChecks
from jobs.kinds import inspector_of
from jobs.models import AuditEntry, Job
from jobs.payloads.masked import masked, masked_payload, secrets_of
from jobs.payloads.masking import MASK
from jobs.payloads.redaction import redact
from jobs.payloads.sealing import unseal
from jobs.states import ACTIVE, CANCELLABLE, UNFINISHED

#: Maximum numbers of events, attempts and audit entries that are shown, the newest ones.
MOST_LINES: Final = 200


def job_page(request: HttpRequest, job: Job, *, revealed: bool = False) -> dict[str, Any]:
    """The context of the page. With `revealed`, secrets are not masked."""
    events = list(job.events.order_by("-id")[:MOST_LINES])[::-1]
    attempts = list(job.attempts.order_by("-number")[:MOST_LINES])[::-1]
    ids = [attempt.celery_task_id for attempt in attempts if attempt.celery_task_id]
    results = dict(TaskResult.objects.filter(task_id__in=ids).values_list("task_id", "pk"))
    secrets = () if revealed else secrets_of(job)
    trail = AuditEntry.objects.filter(target_type="job", target_id=str(job.pk))
    payload = unseal(job.payload, otherwise=lambda _: MASK) if revealed else masked_payload(job)
    may = {act: request.user.has_perm(f"jobs.{permission}") for act, permission in PERMISSIONS.items()}
    story, related = inspector_of(job.kind).related(job)
    return {
        "job": job,
        "story": story,
        "related": related,
        "links": links_of(request, job),
        "lists_of_owner": lists_of_owner(request, job.owner) if job.owner else (),
        "is_live": job.state in ACTIVE and not revealed,
        "legend": LEGEND,
        "bars": draw_bars(events, attempts, now=timezone.now()),
        "events": [(event, redact(_one_line(event.details), secrets)) for event in events],
        "attempts": [
            {
                "it": attempt,
                "message": redact(attempt.error_message, secrets),
                "traceback": redact(attempt.traceback, secrets),
                "conditions": _one_line(attempt.conditions or {}),
                "took": in_words(attempt.duration) if attempt.duration else "",
                "result": results.get(attempt.celery_task_id),
            }
            for attempt in attempts
        ],
        "artifacts": list(job.artifacts.order_by("pk")),
        "trail": list(trail[:MOST_LINES]),
        "revisions": [
            (revision, formatted(masked(job.kind, revision.payload))) for revision in job.revisions.order_by("-pk")
        ],
        "payload": formatted(payload),
        "is_masked": not revealed and payload != job.payload,
        "error_message": redact(job.error_message, secrets),
        "result": redact(formatted(job.result), secrets) if job.result is not None else None,
        "verdict": RequeueChecks().check(job) if job.state in UNFINISHED else None,
        "knows_cost": job.state in UNFINISHED and inspector_of(job.kind).knows_cost,
        "inquiry": latest_inquiries([job]).get(job.pk) if job.state in UNFINISHED else None,
        "may": may,
        "can": {
            "requeue": job.state in UNFINISHED,
            "edit": job.state in UNFINISHED,
            "discard": job.state in UNFINISHED,
            "cancel": job.state in CANCELLABLE - UNFINISHED,
        },
        "has_ended_in": job.finished_at and in_words(job.finished_at - job.created_at),
    }


#: Action on a job → the permission that it needs.
PERMISSIONS: Final = {
    "requeue": "requeue_job",
    "discard": "discard_job",
    "cancel": "cancel_job",
    "edit": "edit_payload",
    "reveal": "reveal_payload",
    "download": "download_artifact",
}


def formatted(value: Any) -> str:
    """JSON for people. The keys are sorted so that two texts can be compared."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)


def _one_line(details: Any) -> str:
    return ", ".join(f"{key} {value}" for key, value in details.items()) if isinstance(details, dict) else str(details)
