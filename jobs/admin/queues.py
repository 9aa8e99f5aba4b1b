"""The dials of the queues. Each change needs a confirmation and a reason, and is kept in the audit trail."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from jobs.admin.forms import ReasonForm, validate_database
from jobs.dispatch.release import is_declared
from jobs.errors import TransitionError
from jobs.interventions.dials import add_queue, set_dials
from jobs.models import Queue

DIALS = (
    "paused", "accepting", "max_running", "max_running_per_owner", "max_running_per_type",
    "max_queued", "max_queued_per_owner", "rows_per_second", "pace", "target_busy_percent",
    "target_active_sessions", "target_latency_milliseconds", "max_lag_seconds", "statement_timeout_seconds", "database",
)  # fmt: skip


class QueueForm(forms.ModelForm):
    """The dials, and the reason for the change."""

    reason = ReasonForm.base_fields["reason"]

    def clean_name(self) -> str:
        """Require a queue that messages can be sent to: otherwise, its jobs would wait forever."""
        name: str = self.cleaned_data["name"]
        if not is_declared(name):
            raise forms.ValidationError(
                f"The variable QUEUES does not name {name}, so its jobs could not run. Add the name to QUEUES for web "
                "servers, workers and Beat, and restart them. Then manage.py migrate adds the queue."
            )
        return name

    def clean_database(self) -> str:
        return validate_database(self.cleaned_data["database"])


@admin.register(Queue)
class QueueAdmin(ModelAdmin):
    """The queues and their dials. A change takes effect without a restart."""

    form = QueueForm
    list_display = ("name", "state_label", "pause_link", *DIALS[2:9], "statement_timeout_seconds")
    sortable_by = ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Omit the reason if the user cannot change anything."""
        fields = ("name", *DIALS)
        changes = self.has_change_permission(request) if obj else self.has_add_permission(request)
        return (*fields, "reason") if changes else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The name cannot change: it is the key that jobs refer to."""
        return ("name",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Queues cannot be deleted, because jobs refer to them. They can be paused or closed."""
        return False

    @display(description="State", label={"open": "success", "paused": "warning", "closed": "warning"})
    def state_label(self, queue: Queue) -> str:
        return "paused" if queue.paused else "open" if queue.accepting else "closed"

    @admin.display(description="Pause or resume")
    def pause_link(self, queue: Queue) -> SafeString:
        """A link to the confirmation page, which checks the permission."""
        act = "resume" if queue.paused else "pause"
        url = reverse(f"admin:jobs_queue_{act}", args=[quote(queue.pk)])
        return format_html('<a class="lh-link" href="{}">{}…</a>', url, act.capitalize())

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<path:object_id>/pause/", wrap(self.pause_view), {"paused": True}, name="jobs_queue_pause"),
            path("<path:object_id>/resume/", wrap(self.pause_view), {"paused": False}, name="jobs_queue_resume"),
            *super().get_urls(),
        ]

    def pause_view(self, request: HttpRequest, object_id: str, *, paused: bool) -> HttpResponse:
        """Ask for a reason, then pause or resume."""
        if not request.user.has_perm("jobs.pause_queue"):
            raise PermissionDenied
        queue = self.get_object(request, unquote(object_id))
        if queue is None:
            raise Http404
        form = ReasonForm(request.POST or None)
        if form.is_valid():
            actor = request.user.get_username()
            set_dials(queue.name, actor=actor, reason=form.cleaned_data["reason"], paused=paused)
            messages.success(request, f"The queue {queue.name} was {'paused' if paused else 'resumed'}.")
            return HttpResponseRedirect(reverse("admin:jobs_queue_changelist"))
        context = {
            "title": f"{'Pause' if paused else 'Resume'} the queue {queue.name}?",
            "form": form,
            "changes": [("paused", queue.paused, paused)],
            "explanation": PAUSING if paused else RESUMING,
        }
        return self._render_confirmation(request, context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of the dials. A change must be confirmed before it is saved."""
        queue = self.get_object(request, unquote(object_id))
        if request.method == "POST" and queue is not None and self.has_change_permission(request, queue):
            form = self.get_form(request, queue, change=True)(request.POST, instance=queue)
            if form.is_valid():
                step = self._set_dials if "post" in request.POST else self._confirm_dials
                return step(request, Queue.objects.get(pk=queue.pk), form)
        return super().change_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Queue, form: Any, change: bool) -> None:
        """Save a new queue. `change_view` handles changes."""
        add_queue(obj, actor=request.user.get_username(), reason=form.cleaned_data["reason"])

    def _set_dials(self, request: HttpRequest, queue: Queue, form: Any) -> HttpResponse:
        """Set the confirmed dials, unless they have changed since the confirmation page was made."""
        confirmed = [name for name in request.POST.getlist("dial") if name in DIALS] or list(DIALS)
        seen = {name: was for name in confirmed if (was := request.POST.get(f"was-{name}")) is not None}
        try:
            set_dials(
                queue.name,
                actor=request.user.get_username(),
                reason=form.cleaned_data["reason"],
                seen={name: _parse_dial(queue, name, was) for name, was in seen.items()},
                **{name: form.cleaned_data[name] for name in confirmed},
            )
        except (TransitionError, ValidationError) as error:
            messages.error(request, f"Nothing was changed: {error}.")
        else:
            messages.success(request, f"The dials of {queue.name} were changed.")
        return HttpResponseRedirect(reverse("admin:jobs_queue_changelist"))

    def _confirm_dials(self, request: HttpRequest, before: Queue, form: Any) -> HttpResponse:
        values = ((name, getattr(before, name), form.cleaned_data[name]) for name in DIALS)
        changes = [(name, was, wanted) for name, was, wanted in values if was != wanted]
        if not changes:
            messages.info(request, "Nothing has changed.")
            return HttpResponseRedirect(reverse("admin:jobs_queue_change", args=[quote(before.pk)]))
        context = {
            "title": f"Change the dials of the queue {before.name}?",
            "changes": changes,
            "hidden": [
                *((name, value) for name in request.POST for value in request.POST.getlist(name)),
                *((f"was-{name}", "" if was is None else str(was)) for name, was, _ in changes),
                *(("dial", name) for name, _, _ in changes),
            ],
            "explanation": EXPLANATION,
        }
        return self._render_confirmation(request, context)

    def _render_confirmation(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        context = {**self.admin_site.each_context(request), **context}
        return TemplateResponse(request, "admin/jobs/queue/confirm.html", context)


def _parse_dial(queue: Queue, name: str, text: str) -> Any:
    """The value of a dial that the confirmation page sent back. Raises ValidationError."""
    field: Any = queue._meta.get_field(name)
    return field.clean(text or (None if field.null else ""), queue)


EXPLANATION = (
    "Limits apply from the next release on. The rate, the pace and its targets, and a shorter statement timeout apply "
    "within seconds, also to running jobs. Another database or a longer timeout applies from the next attempt on."
)
PAUSING = "Its jobs are no longer handed to workers. Running jobs continue, and new orders are accepted and wait."
RESUMING = "Its jobs are handed to workers again at once, within its limits."
