"""One job as a list, the start page and the search show it, with what its owner may do to it there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from jobs.estimates.estimate import Estimate, estimate, estimate_listed
from jobs.models import Job
from jobs.numbers import format_number
from jobs.pages.wording import Shown, orderable_type, show
from jobs.pages.words import KindWords
from jobs.states import State
from jobs.types.base import JobType

if TYPE_CHECKING:
    from jobs.pages.kind_pages import KindPages


@dataclass(frozen=True)
class Row:
    """A job, and the pages of its kind."""

    shown: Shown
    pages: KindPages

    @property
    def job(self) -> Job:
        return self.shown.job

    @property
    def names(self) -> dict[str, str]:
        return self.pages.names

    @property
    def words(self) -> KindWords:
        return self.pages.words

    @property
    def file_name(self) -> str:
        """The name of the file that was uploaded; empty for a job without one."""
        return str((self.job.payload.get("file") or {}).get("filename", ""))

    @property
    def rows_failed(self) -> int:
        """How many rows of an upload were rejected."""
        result = self.job.result if isinstance(self.job.result, dict) else {}
        return int((result.get("upload") or {}).get("rowsFailed") or 0)

    @property
    def so_far(self) -> str:
        """`3 of about 12 rows`, `3 rows so far`; empty before the first."""
        done, total = self.job.progress_done, self.job.progress_total
        if not done:
            return ""
        if not total:
            return str(self.words.done % {"count": done, "done": format_number(done)})
        return str(self.words.done_of_total % {"done": format_number(done), "total": format_number(total)})

    @property
    def has_download(self) -> bool:
        return self.pages.resource.has_download and self.shown.is_complete and self.shown.artifact is not None

    @property
    def can_cancel(self) -> bool:
        return self.shown.is_active and self.shown.word != "Canceling"

    @property
    def can_retry(self) -> bool:
        return self.job.state == State.DEAD and self.shown.may_order_again

    @property
    def can_delete(self) -> bool:
        return not self.shown.is_active

    @property
    def can_order_again(self) -> bool:
        return self.pages.can_order_again and self.shown.may_order_again


def rows_of(jobs: Sequence[Job], user: User, kinds: dict[str, KindPages]) -> list[Row]:
    """The rows of jobs from `JobQuerySet.with_result`. At most three queries, however many jobs there are.

    One finds what is left of those that have begun, and two the place in the queue of the one that is next: only of
    that, because each place costs them again. A type is asked once whether the user may order it.
    """
    estimates: list[Estimate] = estimate_listed(jobs)
    queued = [number for number, job in enumerate(jobs) if job.state == State.QUEUED]
    if queued:
        following = min(queued, key=lambda number: jobs[number].pk)
        estimates[following] = estimate(jobs[following])
    pairs = zip(jobs, estimates, strict=True)

    @cache
    def type_of(kind: str, identifier: str) -> JobType | None:
        return orderable_type(kinds[kind].resource, identifier, user)

    return [
        Row(show(job, known, type_of(job.kind, job.type), kinds[job.kind].resource), kinds[job.kind])
        for job, known in pairs
    ]


def tab_title(rows: Sequence[Row]) -> str:
    """`42 % Yearly sales`, for the title of the tab; empty while nothing runs."""
    running = [row.shown for row in rows if row.job.state == State.RUNNING and row.shown.percent is not None]
    if not running:
        return ""
    first = _("%(percent)d %% %(title)s") % {"percent": running[0].percent, "title": running[0].title}
    if len(running) == 1:
        return first
    return _("%(first)s, and %(count)d more") % {"first": first, "count": len(running) - 1}
