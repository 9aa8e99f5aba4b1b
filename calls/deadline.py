"""Until when a call may begin a step."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Subquery
from django.db.models.functions import Coalesce

from jobs.errors import PermanentError
from jobs.models import Attempt, Event, Job


class Deadline:
    """The time that a call type allows, since the order or since staff last requeued the call. By database time."""

    def __init__(self, attempt: Attempt, allowed: timedelta | None) -> None:
        self._attempt, self._allowed = attempt, allowed
        self._began = time.monotonic()

    def check(self, *, later: timedelta | None = None) -> None:
        """Raises PermanentError `deadline-exceeded` if it has passed, or will have passed so much `later`.

        One query for an attempt that might be late.
        """
        later = later or timedelta()
        if (left := self.left(at_least=later)) is not None and left <= later:
            raise PermanentError(f"The call did not end within {_in_words(self._allowed)}.", code="deadline-exceeded")

    def left(self, *, at_least: timedelta) -> timedelta | None:
        """The time that is left, negative if none is; None without a deadline. A lower bound if it is enough."""
        if self._allowed is None:
            return None
        now = self._attempt.started_at + timedelta(seconds=time.monotonic() - self._began)
        left = self._attempt.job.created_at + self._allowed - now
        return left if left > at_least else self._since + self._allowed - now

    @cached_property
    def _since(self) -> datetime:
        requeued = Event.objects.filter(job=self._attempt.job, name=Event.Name.REQUEUED).order_by("-id").values("at")
        order = Job.objects.filter(pk=self._attempt.job_id)
        since: datetime = order.values_list(Coalesce(Subquery(requeued[:1]), "created_at"), flat=True).get()
        return since


def _in_words(allowed: timedelta | None) -> str:
    seconds = allowed.total_seconds() if allowed else 0
    return f"{seconds / 60:g} minutes" if seconds % 60 == 0 else f"{seconds:g} seconds"
