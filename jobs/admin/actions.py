"""What staff can do to jobs from the list: each asks first, with one page, and wants a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode

from jobs.admin.bulk_runs import criteria_in
from jobs.admin.forms import ReasonForm, token_of
from jobs.interventions.batches import Intervention
from jobs.interventions.cancellation import cancel_jobs
from jobs.interventions.dead_letter import discard_jobs
from jobs.interventions.requeue_checks import RequeueChecks, requeue_checked_jobs
from jobs.interventions.selection import CRITERIA
from jobs.models import Job
from jobs.states import CANCELLABLE, UNFINISHED, State

#: Jobs that one press changes at most; more are a bulk run's.
MOST_JOBS: Final = 100


@dataclass(frozen=True)
class Deed:
    """An action of the list: its words, the states that it fits, and the function that does it."""

    title: str
    done: str
    explanation: str
    fits: frozenset[State]
    act: Callable[..., Intervention]
    is_checked: bool = False


REQUEUE: Final = Deed(
    "Requeue",
    "requeued",
    "Each gets all its attempts anew and waits for its turn like any other. Those that are refused stay as they are.",
    UNFINISHED,
    requeue_checked_jobs,
    is_checked=True,
)
DISCARD: Final = Deed(
    "Discard", "discarded", "They are cancelled for good: nothing will try them again.", UNFINISHED, discard_jobs
)
CANCEL: Final = Deed(
    "Cancel",
    "cancelled",
    "What waits is cancelled at once. What runs is asked to end, which takes about two seconds.",
    CANCELLABLE,
    cancel_jobs,
)


def confirm_and_do(
    model_admin: admin.ModelAdmin, request: HttpRequest, jobs: QuerySet[Job], deed: Deed, action: str
) -> HttpResponse | None:
    """The confirmation page; once it was posted with a reason, do it, say what came of it, and go back.

    Everything that fits the filter, rather than a selection, is a bulk run's.
    """
    if request.POST.get("select_across") == "1":
        criteria = criteria_in(request.GET)
        if set(request.GET) - CRITERIA - {"p"}:
            messages.error(request, "Some of these filters cannot be ordered in bulk. Use those of the panel.")
            return None
        query = urlencode({"act": action.removesuffix("_jobs"), **criteria})
        return HttpResponseRedirect(f"{reverse('admin:jobs_bulkrun_order')}?{query}")
    listed = list(jobs.defer(None).select_related("owner").order_by("-pk")[: MOST_JOBS + 1])
    if len(listed) > MOST_JOBS:
        messages.error(request, f"At most {MOST_JOBS} jobs at once. Narrow the selection.")
        return None
    form = ReasonForm(request.POST if "post" in request.POST else None)
    if form.is_valid():
        seen = {job.pk: token for job in listed if (token := _seen_token(request.POST, job.pk)) is not None}
        outcome = deed.act(
            [job.pk for job in listed],
            actor=request.user.get_username(),
            reason=form.cleaned_data["reason"],
            seen=seen,
        )
        _tell(request, deed, outcome)
        if len(listed) == 1:
            return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[listed[0].pk]))
        return None
    verdicts = RequeueChecks().check_all(listed) if deed.is_checked else {}
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"{deed.title} {len(listed)} job{'' if len(listed) == 1 else 's'}?",
        "deed": deed,
        "action": action,
        "form": form,
        "lines": [(job, verdicts.get(job.pk), job.state in deed.fits) for job in listed],
        "query": request.GET.urlencode(),
    }
    return TemplateResponse(request, "admin/jobs/job/confirm.html", context)


def _seen_token(posted: Mapping[str, Any], pk: UUID) -> int | None:
    """The fencing token that the job had when the confirmation page was made."""
    return token_of(posted.get(f"seen-{pk}", ""))


def _tell(request: HttpRequest, deed: Deed, outcome: Intervention) -> None:
    changed = len(outcome.changed)
    if changed:
        messages.success(request, f"{changed} job{'' if changed == 1 else 's'} {deed.done}.")
    for pk, why in outcome.refused.items():
        messages.warning(request, f"{pk} was not {deed.done}: {why}")
