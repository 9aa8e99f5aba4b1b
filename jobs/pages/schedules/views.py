"""The list of my schedules, the page of one, and the buttons on it. Thin views."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from jobs.errors import TransitionError
from jobs.mailing.topics import mail_is_on
from jobs.models import Schedule
from jobs.pages.posting import post_only_from
from jobs.pages.schedules.showing import history_of, is_elsewhere, next_runs, order_in_words, show_schedule
from jobs.pages.signed_in import SignedInRequest
from jobs.schedules.changing import delete_schedule, pause_schedule, resume_schedule, run_now
from jobs.schedules.reading import schedules_of
from jobs.tokens.views import as_uuid

_of_schedule = post_only_from("schedule-detail", "schedule_id")


def my_schedule(request: SignedInRequest, schedule_id: str) -> Schedule:
    """One of my schedules. Raises Http404, also for somebody else's."""
    schedule = schedules_of(request.user).filter(pk=as_uuid(schedule_id)).first()
    if schedule is None:
        raise Http404
    return schedule


@require_safe
@login_required
@never_cache
def list_schedules(request: SignedInRequest) -> HttpResponse:
    """My schedules, the newest first. Their number is limited, so there is one page."""
    shown = [show_schedule(schedule) for schedule in schedules_of(request.user)]
    return render(request, "schedules/list.html", {"schedules": shown})


@require_safe
@login_required
@never_cache
def show_schedule_page(request: SignedInRequest, schedule_id: str) -> HttpResponse:
    """One schedule: what, when, the next runs, and the history."""
    return _page(request, schedule_id)


@_of_schedule
def run(request: SignedInRequest, schedule_id: str) -> HttpResponseBase:
    """Place the order now, in addition to the schedule."""
    try:
        run_now(my_schedule(request, schedule_id).pk)
    except TransitionError:
        refusal = gettext("A run of this schedule is still waiting for room in the queue.")
        return _page(request, schedule_id, status=409, refusal=refusal)
    return redirect("schedule-detail", schedule_id)


@_of_schedule
def pause(request: SignedInRequest, schedule_id: str) -> HttpResponseBase:
    """Pause a schedule."""
    pause_schedule(my_schedule(request, schedule_id).pk)
    return redirect("schedule-detail", schedule_id)


@_of_schedule
def resume(request: SignedInRequest, schedule_id: str) -> HttpResponseBase:
    """Let a paused schedule run again."""
    resume_schedule(my_schedule(request, schedule_id).pk)
    return redirect("schedule-detail", schedule_id)


@_of_schedule
def delete(request: SignedInRequest, schedule_id: str) -> HttpResponseBase:
    """Delete a schedule with its history."""
    delete_schedule(my_schedule(request, schedule_id).pk)
    return redirect("schedule-list")


def _page(request: SignedInRequest, schedule_id: str, *, status: int = 200, refusal: str = "") -> HttpResponse:
    schedule = my_schedule(request, schedule_id)
    context = {
        "shown": show_schedule(schedule),
        "schedule": schedule,
        "order": order_in_words(schedule),
        "next_runs": next_runs(schedule),
        "is_elsewhere": is_elsewhere(schedule),
        "history": history_of(schedule),
        "can_mail_runs": mail_is_on(),
        "refusal": refusal,
    }
    return render(request, "schedules/detail.html", context, status=status)
