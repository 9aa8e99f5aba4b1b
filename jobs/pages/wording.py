"""A job in words, for its pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from jobs.api.resources.resource import JobResource
from jobs.api.status import failure_members, postponement_members, queue_members, seconds_remaining
from jobs.estimates.estimate import Estimate, estimate
from jobs.models import Artifact, Job
from jobs.pages.remedies import Remedy, ShownRemedy, remedy_of
from jobs.states import State
from jobs.status import has_ended, status_word
from jobs.types.base import JobType
from jobs.types.registry import UnknownTypeError

#: Status of the API → what pages call it.
STATUS_LABELS: Final = {
    "Queued": _("Queued"),
    "In Progress": _("In progress"),
    "Canceling": _("Canceling"),
    "Complete": _("Complete"),
    "Failed": _("Failed"),
    "Canceled": _("Canceled"),
    "Expired": _("Expired"),
}


@dataclass(frozen=True)
class Shown:
    """One job as a row of the list shows it. `job` comes from `JobQuerySet.with_result`."""

    job: Job
    known: Estimate
    title: str
    parameters: list[tuple[str, str]]
    word: str
    may_order_again: bool

    @property
    def artifact(self) -> Artifact | None:
        return self.job.result_artifact

    @property
    def is_active(self) -> bool:
        return not has_ended(self.job)

    @property
    def is_complete(self) -> bool:
        return self.word == "Complete"

    @property
    def percent(self) -> int | None:
        """None while the job is running and its total is not known."""
        unknown = self.job.state == State.RUNNING and self.job.progress_total is None
        return None if unknown else self.job.progress_percent

    @property
    def rows(self) -> str:
        """`1 row`, `1,234 rows`."""
        count = self.artifact.row_count if self.artifact else None
        return "" if count is None else f"{count:,} row{'' if count == 1 else 's'}"

    @property
    def time_left(self) -> str:
        """`less than a minute left`, `about 2 minutes left`."""
        seconds = seconds_remaining(self.known)
        return "" if seconds is None else f"{_about(seconds)} left"


@dataclass(frozen=True)
class ShownInFull(Shown):
    """One job as its own page shows it."""

    place_in_queue: int | None
    expected_wait: str
    back_at: datetime | None
    waiting_for: str
    #: Why it does not start yet.
    waiting_reason: str
    failure: dict[str, Any] | None
    remedy: ShownRemedy | None
    #: Labels and values of the rest of the order.
    facts: Sequence[tuple[str, str]]

    @property
    def retry_at(self) -> datetime | None:
        return self.job.retry_at if self.job.state == State.FAILED else None

    @property
    def has_begun(self) -> bool:
        return self.job.state in (State.RUNNING, State.FAILED) and self.job.started_at is not None

    @property
    def rows_so_far(self) -> str:
        done, total = self.job.progress_done, self.job.progress_total
        return f"{done:,} of about {total:,}" if total else f"{done:,}"


def show(job: Job, known: Estimate, user: AbstractBaseUser, resource: JobResource) -> Shown:
    """A job for the list. No query."""
    return Shown(known=known, **_order_of(job, user, resource))


def show_in_full(
    job: Job,
    user: AbstractBaseUser,
    resource: JobResource,
    *,
    facts: Sequence[tuple[str, str]],
    remedies: Mapping[str, Remedy],
) -> ShownInFull:
    """A job for its own page. The queries are those of `estimate`, and one more for a postponed job."""
    known = estimate(job)
    queued, postponed = queue_members(known), postponement_members(job)
    wait = queued.get("estimatedWaitSeconds")
    ordered = _order_of(job, user, resource)
    failure = failure_members(job) if job.state == State.DEAD else None
    return ShownInFull(
        **ordered,
        known=known,
        place_in_queue=queued["queuePosition"],
        expected_wait="" if wait is None else _about(wait),
        back_at=postponed.get("retryAt"),
        waiting_for=postponed.get("waitingFor", ""),
        waiting_reason=queued.get("waitingReason", {}).get("detail", ""),
        failure=failure,
        remedy=remedy_of(job, failure, may_order=ordered["may_order_again"], remedies=remedies) if failure else None,
        facts=facts,
    )


def _about(seconds: int) -> str:
    now = timezone.now()
    long = f"about {timesince(now, now + timedelta(seconds=seconds), depth=1)}"
    return "less than a minute" if seconds < 60 else long


def parameters_in_words(job_type: JobType | None, parameters: dict[str, Any]) -> list[tuple[str, str]]:
    """Label and value of each parameter that was given, in the order of the form.

    Parameters that the type no longer has come last, under their names.
    """
    fields = job_type.Parameters().fields if job_type else {}
    known = [name for name in fields if name in parameters]
    return [
        (str(getattr(fields.get(name), "label", None) or name), _value_in_words(fields.get(name), parameters[name]))
        for name in [*known, *sorted(set(parameters) - set(known))]
        if parameters[name] not in (None, "", [])
    ]


def _order_of(job: Job, user: AbstractBaseUser, resource: JobResource) -> dict[str, Any]:
    job_type: JobType | None
    try:
        job_type = resource.types.get(job.type, user)
    except UnknownTypeError:
        job_type = None
    return {
        "job": job,
        "title": str(job_type.title) if job_type else job.type,
        "parameters": parameters_in_words(job_type, resource.ordered(job)["parameters"]),
        "word": status_word(job, job.result_artifact),
        "may_order_again": job_type is not None,
    }


def _value_in_words(field: Any, value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(_value_in_words(field, item) for item in value)
        case dict():
            fields = getattr(field, "fields", {})
            return ", ".join(f"{name}: {_value_in_words(fields.get(name), part)}" for name, part in value.items())
    if isinstance(field, serializers.RelatedField):
        return str(value)  # its choices are all rows of its table
    return str(getattr(field, "choices", {}).get(value, value))
