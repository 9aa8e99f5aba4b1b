"""A job in words, for lists. `jobs.pages.detail_wording` adds what its own page says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.models import AbstractBaseUser
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from jobs.api.resources.resource import JobResource
from jobs.api.status import seconds_remaining
from jobs.estimates.estimate import Estimate
from jobs.joining import join_words
from jobs.localization import translated
from jobs.models import Artifact, Job
from jobs.numbers import format_number
from jobs.pages.parameter_words import parameters_in_words
from jobs.pages.spans import time_left
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
    def failure_detail(self) -> str:
        """Why it failed; empty if it did not."""
        return translated(self.job.result["error"]["detail"]) if self.word == "Failed" and self.job.result else ""

    @property
    def percent(self) -> int | None:
        """None while the job is running and its total is not known."""
        unknown = self.job.state == State.RUNNING and self.job.progress_total is None
        return None if unknown else self.job.progress_percent

    @property
    def progress(self) -> str:
        """`40 %, about 2 minutes left`, as far as it is known."""
        percent = "" if self.percent is None else gettext("%(percent)d %%") % {"percent": self.percent}
        return join_words(filter(None, (percent, self.time_left)))

    @property
    def rows(self) -> str:
        """`1 row`, `1,234 rows`; empty if that is not known."""
        count = self.artifact.rows if self.artifact else None
        return "" if count is None else rows_in_words(count)

    @property
    def time_left(self) -> str:
        """`less than a minute left`, `about 2 minutes left`; empty if that is not known."""
        return time_left(seconds_remaining(self.known))


def rows_in_words(count: int) -> str:
    """`1 row`, `1,234 rows`."""
    return ngettext("%(number)s row", "%(number)s rows", count) % {"number": format_number(count)}


def show(job: Job, known: Estimate, job_type: JobType | None, resource: JobResource) -> Shown:
    """A job for the list. No query."""
    return Shown(known=known, **order_in_words(job, job_type, resource))


def orderable_type(resource: JobResource, identifier: str, user: AbstractBaseUser) -> JobType | None:
    """The type of a job; None if it is gone, or `user` may no longer order it. The type may need queries to tell."""
    try:
        known: JobType = resource.types.get(identifier, user)
    except UnknownTypeError:
        return None
    return known


def order_in_words(job: Job, job_type: JobType | None, resource: JobResource) -> dict[str, Any]:
    """The members of `Shown` that come from the order and the status. `job_type` is that of `orderable_type`."""
    return {
        "job": job,
        "title": str(job_type.title) if job_type else job.type,
        "parameters": parameters_in_words(job_type, resource.ordered(job)["parameters"]),
        "word": status_word(job, job.result_artifact),
        "may_order_again": job_type is not None,
    }
