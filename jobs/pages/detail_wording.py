"""A job in words, for its own page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone
from django.utils.translation import gettext

from jobs.api.resources.resource import JobResource
from jobs.api.status import failure_members, postponement_members, queue_members, seconds_remaining
from jobs.estimates.estimate import estimate
from jobs.joining import join_sentences
from jobs.localization import translated
from jobs.models import Job
from jobs.numbers import format_number
from jobs.pages.rate_chart import RateChart, rate_chart
from jobs.pages.spans import rough_span, starts_in
from jobs.pages.story import Story, tell
from jobs.pages.wording import STATUS_LABELS, Shown, order_in_words, orderable_type
from jobs.pages.words import KindWords
from jobs.remedies import Remedy, ShownRemedy, remedy_of
from jobs.states import State


@dataclass(frozen=True)
class ShownInFull(Shown):
    """One job as its own page shows it."""

    place_in_queue: int | None
    #: Seconds until a queued job starts.
    wait: int | None
    back_at: datetime | None
    waiting_for: str
    #: Why it does not start yet.
    waiting_reason: str
    failure: dict[str, Any] | None
    remedy: ShownRemedy | None
    #: Labels and values of the rest of the order.
    facts: Sequence[tuple[str, str]]
    story: Story
    words: KindWords

    @property
    def retry_at(self) -> datetime | None:
        return self.job.retry_at if self.job.state == State.FAILED else None

    @property
    def has_begun(self) -> bool:
        return self.job.state in (State.RUNNING, State.FAILED) and self.job.started_at is not None

    @property
    def is_running(self) -> bool:
        return self.job.state == State.RUNNING

    @property
    def tab(self) -> str:
        """The title of the browser's tab: `42 % Yearly sales` while it makes progress, else `Yearly sales: Queued`."""
        if self.is_active and self.percent:
            return gettext("%(percent)d %% %(title)s") % {"percent": self.percent, "title": self.title}
        facts = {"title": self.title, "status": STATUS_LABELS.get(self.word, self.word)}
        return gettext("%(title)s: %(status)s") % facts

    @property
    def what_happens(self) -> str:
        """What goes on at the moment, in one or two sentences; empty for a job that has ended."""
        if self.word == "Canceling":
            return gettext("It is being canceled. This usually takes a few seconds.")
        if self.job.state == State.QUEUED:
            return self._what_it_waits_for()
        if self.job.state != State.RUNNING:
            return ""
        if not self.job.progress_done:
            return str(self.words.starting)
        return str(self.words.working)

    def _what_it_waits_for(self) -> str:
        if self.place_in_queue is None:
            return ""
        place = gettext("It is next in the queue.")
        if self.place_in_queue > 1:
            place = gettext("It is number %(number)s in the queue.") % {"number": format_number(self.place_in_queue)}
        return join_sentences(place, starts_in(self.wait))

    @property
    def rows_so_far(self) -> str:
        """`1,000 rows`, `1,000 of about 4,000`."""
        done, total = self.job.progress_done, self.job.progress_total
        if not total:
            return str(self.words.counted % {"count": done, "number": format_number(done)})
        return gettext("%(done)s of about %(total)s") % {"done": format_number(done), "total": format_number(total)}

    @property
    def estimated_left(self) -> str:
        """`2 minutes`, `less than a minute`; empty if that is not known."""
        seconds = seconds_remaining(self.known)
        if seconds is None:
            return ""
        return gettext("less than a minute") if seconds < 60 else rough_span(seconds)

    @property
    def expected_start(self) -> datetime | None:
        """When a queued job is expected to start; None if that is not known."""
        return None if self.wait is None else timezone.now() + timedelta(seconds=self.wait)

    @property
    def rate(self) -> RateChart | None:
        """How fast the rows of a running attempt arrive; None until that is known."""
        return rate_chart(self.job.progress_samples or []) if self.is_running else None


def show_in_full(
    job: Job,
    user: AbstractBaseUser,
    resource: JobResource,
    *,
    facts: Sequence[tuple[str, str]],
    remedies: Mapping[str, Remedy],
    words: KindWords,
) -> ShownInFull:
    """A job for its own page. The queries are those of `estimate`, one for the story, and one for a postponed job."""
    known = estimate(job)
    queued, postponed = queue_members(known), postponement_members(job)
    ordered = order_in_words(job, orderable_type(resource, job.type, user), resource)
    failure = failure_members(job) if job.state == State.DEAD else None
    return ShownInFull(
        **ordered,
        known=known,
        place_in_queue=queued["queuePosition"],
        wait=queued.get("estimatedWaitSeconds"),
        back_at=postponed.get("retryAt"),
        waiting_for=translated(postponed.get("waitingFor", "")),
        waiting_reason=translated(queued.get("waitingReason", {}).get("detail", "")),
        failure=failure,
        remedy=remedy_of(job, failure, may_order=ordered["may_order_again"], remedies=remedies) if failure else None,
        facts=facts,
        story=tell(job, owner=user.get_username(), words=words),
        words=words,
    )
