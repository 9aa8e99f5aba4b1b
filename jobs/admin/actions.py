"""Actions of the job list. Each one shows a confirmation page and requires a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode

from jobs.admin.bulk_runs import criteria_in
from jobs.admin.forms import ReasonForm, parse_fencing_token
from jobs.interventions.batches import Intervention
from jobs.interventions.cancellation import cancel_jobs
from jobs.interventions.dead_letter import discard_jobs
from jobs.interventions.requeue_checks import RequeueChecks, requeue_checked_jobs
from jobs.interventions.selection import CRITERIA
from jobs.models import Job
from jobs.states import CANCELLABLE, UNFINISHED, State

#: Maximum number of jobs that one action changes. For more, order a bulk run.
MOST_JOBS: Final = 100


@dataclass(frozen=True)
class Action:
    """An action of the list: its texts, the states in which it is allowed, and the function that performs it."""

    title: str
    done: str
    explanation: str
    allowed_states: frozenset[State]
    perform: Callable[..., Intervention]
    is_checked: bool = False


REQUEUE: Final = Action(
    "Requeue",
    "requeued",
    "Each job gets all its attempts again and waits for its turn like any other. Refused jobs stay as they are.",
    UNFINISHED,
    requeue_checked_jobs,
    is_checked=True,
)
DISCARD: Final = Action(
    "Discard", "discarded", "The jobs are canceled for good and will not be retried.", UNFINISHED, discard_jobs
)
CANCEL: Final = Action(
    "Cancel",
    "canceled",
    "Waiting jobs are canceled at once. Running jobs are asked to stop, which takes about two seconds.",
    CANCELLABLE,
    cancel_jobs,
)


def confirm_and_perform(
    model_admin: admin.ModelAdmin, request: HttpRequest, jobs: QuerySet[Job], action: Action, action_name: str
) -> HttpResponse | None:
    """Show the confirmation page. When it is posted with a reason, perform the action and report the outcome.

    If all jobs that match the filter are selected, redirect to the form that orders a bulk run.
    """
    if request.POST.get("select_across") == "1":
        criteria = criteria_in(request.GET)
        if set(request.GET) - CRITERIA - {"p"}:
            messages.error(request, "Some of these filters are not available for bulk runs. Use those in the panel.")
            return None
        query = urlencode({"act": action_name.removesuffix("_jobs"), **criteria})
        return HttpResponseRedirect(f"{reverse('admin:jobs_bulkrun_order')}?{query}")
    listed = list(jobs.defer(None).select_related("owner").order_by("-pk")[: MOST_JOBS + 1])
    if len(listed) > MOST_JOBS:
        messages.error(request, f"Select at most {MOST_JOBS} jobs, or all that match a filter to order a bulk run.")
        return None
    form = ReasonForm(request.POST if "post" in request.POST else None)
    if form.is_valid():
        posted = {job.pk: parse_fencing_token(request.POST.get(f"seen-{job.pk}", "")) for job in listed}
        outcome = action.perform(
            list(posted),
            actor=request.user.get_username(),
            reason=form.cleaned_data["reason"],
            seen={pk: token for pk, token in posted.items() if token is not None},
        )
        _report(request, action, outcome)
        if len(listed) == 1:
            return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[listed[0].pk]))
        return None
    verdicts = RequeueChecks().check_all(listed) if action.is_checked else {}
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"{action.title} {len(listed)} job{'' if len(listed) == 1 else 's'}?",
        "action": action,
        "action_name": action_name,
        "form": form,
        "lines": [(job, verdicts.get(job.pk), job.state in action.allowed_states) for job in listed],
        "query": request.GET.urlencode(),
    }
    return TemplateResponse(request, "admin/jobs/job/confirm.html", context)


def _report(request: HttpRequest, action: Action, outcome: Intervention) -> None:
    changed = len(outcome.changed)
    if changed:
        messages.success(request, f"{changed} job{'' if changed == 1 else 's'} {action.done}.")
    for pk, why in outcome.refused.items():
        messages.warning(request, f"{pk} was not {action.done}: {why}")
