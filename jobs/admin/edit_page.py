"""Edit and requeue: show a form, then the difference, then save."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from jobs.admin.forms import ReasonForm, parse_fencing_token
from jobs.admin.job_page import formatted
from jobs.admin.schema_form import PayloadForm
from jobs.errors import TransitionError
from jobs.inspection import InvalidPayloadError
from jobs.interventions.editing import edit_and_requeue_job
from jobs.kinds import inspector_of
from jobs.models import Job
from jobs.payloads.masked import masked, secret_names
from jobs.payloads.masking import MASK, mask, masks_left, unmask
from jobs.payloads.sealing import unseal


def edit_page(request: HttpRequest, job: Job, context: dict[str, Any]) -> HttpResponse:
    """GET: show the form. POST: show the difference or, with `post`, save. A mask left in place keeps the secret."""
    inspector = inspector_of(job.kind)
    named = secret_names(job.kind, job.payload)
    previous = unseal(job.payload, otherwise=lambda _: MASK)  # a secret that cannot be decrypted must be entered again
    as_json = "json" in request.GET
    form = PayloadForm(
        request.POST or None,
        value=mask(job.payload, named),
        schema=None if as_json or not isinstance(job.payload, dict) else inspector.schema(job.payload),
    )
    reason = ReasonForm(request.POST or None)
    context |= {"form": form, "reason": reason, "job": job, "as_json": as_json, "has_fields": bool(form.leaves)}
    if form.is_valid() and reason.is_valid():
        entered = form.payload()
        kept = named if _has_same_type(job, entered) else ()  # another type may not treat them as secrets
        payload = unmask(entered, job.payload, kept)
        try:
            if left := list(masks_left(payload, job.payload, named)):
                raise InvalidPayloadError([{"pointer": at, "detail": "Enter this secret again."} for at in left])
            canonical = inspector.validate(payload, job.owner)
            if unseal(canonical) == previous and not _replaces_secret(job, entered, form.value, named):
                form.add_error(None, "Nothing has changed. To run the job as it is, requeue it.")
            elif "post" in request.POST:
                return _save(request, job, payload, reason.cleaned_data["reason"])
            else:
                context["difference"] = difference(job, canonical)
        except InvalidPayloadError as error:
            form.add_payload_errors(error.errors)
    return TemplateResponse(request, "admin/jobs/job/edit.html", context)


def _replaces_secret(job: Job, entered: Any, shown: Any, named: Collection[str]) -> bool:
    """Whether a mask was replaced. The new value is not compared, because then a secret could be guessed by trying."""
    return list(masks_left(entered, job.payload, named)) != list(masks_left(shown, job.payload, named))


def _has_same_type(job: Job, payload: Any) -> bool:
    inspector = inspector_of(job.kind)
    payloads = (job.payload, payload)
    return all(isinstance(each, dict) for each in payloads) and len({inspector.type_of(each) for each in payloads}) == 1


def difference(job: Job, payload: dict[str, Any]) -> list[tuple[str, str]]:
    """The difference between the job's payload and another one, line by line: `+`, `-` or a space, and the line."""
    before, after = (formatted(masked(job.kind, each)).splitlines() for each in (job.payload, payload))
    lines = [(line[0], line[1:]) for line in list(difflib.unified_diff(before, after, n=1000, lineterm=""))[3:]]
    return lines or [(" ", "No visible value has changed: a secret was entered again.")]


def _save(request: HttpRequest, job: Job, payload: dict[str, Any], reason: str) -> HttpResponse:
    try:
        edit_and_requeue_job(
            job.pk,
            payload=payload,
            actor=request.user.get_username(),
            reason=reason,
            fencing_token=parse_fencing_token(request.POST.get("seen", "")),
        )
    except TransitionError as error:
        messages.error(request, f"Nothing was changed: {str(error).removesuffix('.')}.")
    else:
        messages.success(request, "The payload was changed, and the job was requeued.")
    return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]))
