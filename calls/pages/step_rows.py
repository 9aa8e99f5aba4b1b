"""The steps of a call as its pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext

from calls.models import Step
from calls.pages.words import OUTCOMES
from jobs.error_codes import title_of
from jobs.localization import translated
from jobs.models import Job
from jobs.numbers import format_number
from jobs.pages.spans import exact_span

#: Columns of a step that its owner sees; results, requests and answers may be large.
SHOWN: Final = ("job_id", "name", "outcome", "attempt", "duration_ms", "ended_at", "error_code", "error_message")
#: Outcome → class of its badge: those of states.
LOOKS: Final = {
    Step.Outcome.DONE: "complete",
    Step.Outcome.REFUSED: "failed",
    Step.Outcome.FAILED: "in-progress",
}


@dataclass(frozen=True)
class StepRow:
    """One step in words. `look` is the class of its badge."""

    step_id: int
    name: str
    outcome: str
    look: str
    error: str
    attempt: str
    duration: str
    ended_at: datetime


@dataclass(frozen=True)
class StepList:
    """Steps, the newest first. `before` is the id before which there are more; None: these are the last ones."""

    rows: list[StepRow]
    before: int | None


def list_steps(job: Job, *, at_most: int, before: int | None = None) -> StepList:
    """The newest steps of a call, or those before an id. One query."""
    found = Step.objects.filter(job=job).order_by("-id").only(*SHOWN)
    if before is not None:
        found = found.filter(pk__lt=before)
    steps = list(found[: at_most + 1])
    rows = [_row(step) for step in steps[:at_most]]
    return StepList(rows, rows[-1].step_id if len(steps) > at_most else None)


def _row(step: Step) -> StepRow:
    return StepRow(
        step_id=step.pk,
        name=step.name,
        outcome=str(OUTCOMES[Step.Outcome(step.outcome)]),
        look=LOOKS[Step.Outcome(step.outcome)],
        error=_error(step),
        attempt=format_number(step.attempt),
        duration=_duration(step.duration_ms),
        ended_at=step.ended_at,
    )


def _error(step: Step) -> str:
    """Why a step failed, in words for the owner: the message of a step that is tried again is for the staff."""
    if step.outcome == Step.Outcome.DONE:
        return ""
    if step.outcome == Step.Outcome.REFUSED:
        return translated(step.error_message)
    return translated(title_of(step.error_code) or step.error_code)


def _duration(milliseconds: int) -> str:
    """`40 ms`, `12 s`."""
    if milliseconds < 1000:
        return gettext("%(count)s ms") % {"count": format_number(milliseconds)}
    return exact_span(milliseconds / 1000)
