"""The picture of a job's timeline: when it waited, when attempts ran, and how they ended.

Attempts take seconds, but a job may be dead for days. So the axis is compressed: the width of an interval grows with
the logarithm of its length.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from jobs.durations import in_words
from jobs.models import Attempt, Event
from jobs.states import Outcome, State

#: Event → state of the job after it. Other events do not change the state.
_STATE_AFTER: Final = {
    Event.Name.SUBMITTED: State.QUEUED,
    Event.Name.STARTED: State.RUNNING,
    Event.Name.FAILED: State.FAILED,
    Event.Name.RESCUED: State.FAILED,
    Event.Name.RETRIED: State.QUEUED,
    Event.Name.HANDED_BACK: State.QUEUED,
    Event.Name.POSTPONED: State.QUEUED,
    Event.Name.DEAD_LETTERED: State.DEAD,
    Event.Name.REQUEUED: State.QUEUED,
    Event.Name.REQUEUE_UNDONE: State.DEAD,
    Event.Name.COMPLETED: State.SUCCEEDED,
    Event.Name.CANCELLED: State.CANCELLED,
}
_STATE_LABELS: Final = {
    State.QUEUED: "waiting",
    State.FAILED: "waiting for its retry",
    State.DEAD: "dead",
    State.SUCCEEDED: "succeeded",
    State.CANCELLED: "canceled",
}
#: CSS class → meaning of its color.
LEGEND: Final = (
    ("queued", "waiting"),
    ("attempt-succeeded", "successful attempt"),
    ("attempt-failed", "failed or lost attempt"),
    ("failed", "waiting for its retry"),
    ("attempt-running", "running attempt"),
    ("dead", "dead"),
)
#: Maximum number of intervals that are drawn, the latest ones.
MAX_BARS: Final = 40
#: Widths in units of the picture.
WIDTH: Final = 1000
MIN_BAR_WIDTH: Final = 14
#: Characters of a label that fit into one unit of width.
CHARACTERS_PER_UNIT: Final = 1 / 7.5


@dataclass(frozen=True)
class Bar:
    """One interval: `x` and `width` in units of the picture; `look` is a CSS class; `text` is the full description."""

    x: float
    width: float
    look: str
    label: str
    text: str
    begins_at: datetime


def draw_bars(events: Iterable[Event], attempts: Iterable[Attempt], *, now: datetime) -> list[Bar]:
    """The bars of the picture, from left to right. Together they fill its width."""
    intervals = list(_intervals(events, now))[-MAX_BARS:]
    outcomes = {attempt.number: attempt.outcome for attempt in attempts}
    weights = [math.log10(1 + max(0.0, (end - begin).total_seconds()) * 10) for _, begin, end, _ in intervals]
    share = (WIDTH - MIN_BAR_WIDTH * len(intervals)) / (sum(weights) or 1)
    bars, x = [], 0.0
    for (state, begin, end, number), weight in zip(intervals, weights, strict=True):
        width = MIN_BAR_WIDTH + weight * share
        bars.append(_bar(state, begin, end, number, x=x, width=width, outcomes=outcomes))
        x += width
    return bars


def _intervals(events: Iterable[Event], now: datetime) -> Iterator[tuple[State, datetime, datetime, int | None]]:
    """State, begin, end, and the number of the attempt that ran. Intervals of length 0 are omitted."""
    state: State | None = None
    since = now
    number: int | None = None
    for event in events:
        begins = _STATE_AFTER.get(event.name)  # type: ignore[call-overload]  # members equal their values
        if begins is None:
            continue
        if begins is State.FAILED and not _is_retried(event):
            begins = None  # the next event gives the new state
        if state is not None and event.at > since:
            yield state, since, event.at, number
        state, since = begins, event.at
        number = event.details.get("attempt") if begins is State.RUNNING and isinstance(event.details, dict) else None
    if state is not None and state not in (State.SUCCEEDED, State.CANCELLED):
        yield state, since, max(now, since), number


def _is_retried(event: Event) -> bool:
    """Whether the job waits for a retry after this failure of an attempt."""
    return isinstance(event.details, dict) and "retryInSeconds" in event.details


def _bar(
    state: State,
    begin: datetime,
    end: datetime,
    number: int | None,
    *,
    x: float,
    width: float,
    outcomes: Mapping[int, str],
) -> Bar:
    took = in_words(end - begin)
    look, said = str(state), _STATE_LABELS.get(state, "")
    if state is State.RUNNING:
        ended = outcomes.get(number or 0)
        outcome = Outcome(ended) if ended else None
        look = f"attempt-{outcome or 'running'}"
        said = f"attempt {number} {'running' if outcome is None else outcome.label.lower()}"
    label = next((text for text in (f"#{number} {took}" if number else took, took) if _fits(text, width)), "")
    return Bar(round(x, 1), round(width, 1), look, label, f"{begin:%Y-%m-%d %H:%M:%S}: {said}, {took}", begin)


def _fits(text: str, width: float) -> bool:
    return len(text) <= width * CHARACTERS_PER_UNIT - 1
