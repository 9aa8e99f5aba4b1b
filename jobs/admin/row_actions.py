"""Actions on the rows of lists other than that of the jobs. Each shows a confirmation page and requires a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import label_for_field, lookup_field, quote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import capfirst

from jobs.admin.actions import MOST_JOBS
from jobs.admin.forms import ReasonForm
from jobs.admin.showing import shown
from jobs.interventions.batches import Intervention


@dataclass(frozen=True)
class RowAction:
    """An action: its texts, the columns of the list that its confirmation page shows, and what performs it.

    `perform` takes the ids of the rows, the name of the user as `actor`, and the `values()` of the form: the `reason`,
    and what else a subclass of ReasonForm asks for. Where one row is chosen, its values stand in the form.
    """

    title: str
    done: str
    explanation: str
    columns: tuple[str, ...]
    perform: Callable[..., Intervention]
    form: type[ReasonForm] = ReasonForm


def confirm_rows(
    model_admin: admin.ModelAdmin, request: HttpRequest, rows: QuerySet[Any], action: RowAction, action_name: str
) -> HttpResponse | None:
    """Show the confirmation page. When it is posted with a reason, perform the action and report the outcome."""
    model = model_admin.model
    chosen = list(rows[: MOST_JOBS + 1])
    if len(chosen) > MOST_JOBS:
        messages.error(request, f"Select at most {MOST_JOBS} {model._meta.verbose_name_plural}.")
        return None
    row = chosen[0] if len(chosen) == 1 else None
    initial = {name: getattr(row, name) for name in action.form.base_fields if hasattr(row, name)}
    form = action.form(request.POST if "post" in request.POST else None, initial=initial)
    form.fields["reason"].help_text = "Kept in the audit trail."
    if form.is_valid():
        outcome = action.perform([row.pk for row in chosen], actor=request.user.get_username(), **form.values())
        _report(request, model_admin, action, outcome)
        if len(chosen) == 1 and model.objects.filter(pk=chosen[0].pk).exists():
            return HttpResponseRedirect(reverse(_page(model, "change"), args=[quote(chosen[0].pk)]))
        return None
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"{action.title} {_counted(model_admin, len(chosen))}?",
        "action": action,
        "action_name": action_name,
        "form": form,
        "headings": [capfirst(str(label_for_field(name, model, model_admin))) for name in action.columns],
        "lines": [
            (row.pk, [shown(lookup_field(name, row, model_admin)[2]) for name in action.columns]) for row in chosen
        ],
        "list": reverse(_page(model, "changelist")),
        "query": request.GET.urlencode(),
    }
    return TemplateResponse(request, "admin/jobs/confirm_rows.html", context)


def _report(request: HttpRequest, model_admin: admin.ModelAdmin, action: RowAction, outcome: Intervention) -> None:
    if outcome.changed:
        messages.success(request, f"{_counted(model_admin, len(outcome.changed))} {action.done}.")
    for pk, why in outcome.refused.items():
        messages.warning(request, f"{pk} was not {action.done}: {why}")


def _counted(model_admin: admin.ModelAdmin, count: int) -> str:
    names = model_admin.opts
    return f"{count} {names.verbose_name if count == 1 else names.verbose_name_plural}"


def _page(model: Any, page: str) -> str:
    return f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
