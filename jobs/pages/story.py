"""What has happened to a job, as sentences for its owner. Neither a staff member nor a reason of the staff is named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext, gettext_lazy

from jobs.joining import join_sentences
from jobs.localization import translated
from jobs.models import Event, Job
from jobs.numbers import format_number
from jobs.pages.spans import exact_span
from jobs.pages.words import KindWords

#: A longer story keeps its newest events.
LONGEST_STORY: Final = 200
#: The words of a kind without its own.
ANY_KIND: Final = KindWords()
#: Events that say nothing to people.
UNTOLD: Final = (Event.Name.RELEASED, Event.Name.PROGRESS, Event.Name.PURGED)

#: Reason of a dead letter → sentence.
_GAVE_UP: Final = {
    "permanent": gettext_lazy("It was not tried again, because another attempt would fail in the same way."),
    "attempts-used-up": gettext_lazy("It was not tried again, because all attempts were used up."),
    "worker-lost": gettext_lazy("It was not tried again, because several attempts in a row ended their worker."),
}
_AS_IT_IS: Final = {
    Event.Name.EDITED: gettext_lazy("An administrator changed the order."),
    Event.Name.EXPIRED: gettext_lazy("The file expired and was deleted."),
    Event.Name.REQUEUE_UNDONE: gettext_lazy("An administrator took the last step back."),
    Event.Name.SHARE_CREATED: gettext_lazy("A link to the file was created."),
    Event.Name.SHARE_USED: gettext_lazy("Somebody downloaded the file by a link."),
    Event.Name.SHARE_REVOKED: gettext_lazy("A link to the file was revoked."),
}
#: Event → sentence if the owner did it, and if anybody else did.
_BY_SOMEBODY: Final = {
    Event.Name.CANCEL_REQUESTED: (
        gettext_lazy("You asked to cancel it."), gettext_lazy("An administrator asked to cancel it."),
    ),
    Event.Name.REQUEUED: (gettext_lazy("You tried it again."), gettext_lazy("An administrator queued it again.")),
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One sentence of a story."""

    at: datetime
    sentence: str


@dataclass(frozen=True)
class Story:
    """`summary` is one sentence about an ended job; empty if there is nothing to sum up."""

    steps: list[Step]
    summary: str


def tell(job: Job, *, owner: str, words: KindWords = ANY_KIND) -> Story:
    """The story of a job, oldest first. `owner` is the name of the user who reads it. One query."""
    newest = job.events.exclude(name__in=UNTOLD).order_by("-id")[:LONGEST_STORY]
    return tell_events(reversed(newest), owner=owner, words=words)


def tell_events(events: Iterable[Event], *, owner: str, words: KindWords = ANY_KIND) -> Story:
    """The story of these events, oldest first. Pure."""
    teller = _Teller(owner, words)
    for event in events:
        teller.hear(event)
    return Story(teller.steps, teller.summary)


class _Teller:
    """Remembers since when the job has waited and run. An event may tell no sentence of its own."""

    def __init__(self, owner: str, words: KindWords) -> None:
        self.owner, self.words = owner, words
        self.steps: list[Step] = []
        self.summary = ""
        self.attempt = 1
        self.waited = 0.0
        self._since: datetime | None = None
        self._downloads = 0

    def hear(self, event: Event) -> None:
        name = Event.Name(event.name)
        tell = getattr(self, f"_{name.value}", None)
        sentence = tell(event) if tell else self._sentence(event)
        self._downloads = self._downloads + 1 if name == Event.Name.DOWNLOADED else 0
        if self._downloads > 1:
            self.steps.pop()
        if sentence:
            self.steps.append(Step(event.at, sentence))

    def _sentence(self, event: Event) -> str:
        name = Event.Name(event.name)
        if name in _BY_SOMEBODY:
            by_owner, by_others = _BY_SOMEBODY[name]
            return str(by_owner if event.actor == self.owner else by_others)
        return str(_AS_IT_IS.get(name, ""))

    def _submitted(self, event: Event) -> str:
        self._since = event.at
        return gettext("You placed the order.")

    def _started(self, event: Event) -> str:
        seconds = self._passed(event)
        self.waited += seconds
        self.attempt = event.details.get("attempt", 1)
        if self.attempt == 1:
            return gettext("It started after a wait of %(time)s.") % {"time": exact_span(seconds)}
        return gettext("Attempt %(number)s started after a wait of %(time)s.") % {
            "number": format_number(self.attempt), "time": exact_span(seconds),
        }  # fmt: skip

    def _completed(self, event: Event) -> str:
        ran, rows = exact_span(self._passed(event)), event.details.get("rows") or 0
        facts = {"wait": exact_span(self.waited), "run": ran, "number": format_number(self.attempt)}
        self.summary = gettext("Waited %(wait)s, ran %(run)s.") % facts
        if self.attempt > 1:
            self.summary = gettext("Waited %(wait)s in all, ran %(run)s on attempt %(number)s.") % facts
        if not rows:
            return gettext("It was finished after %(time)s.") % {"time": ran}
        return str(self.words.finished % {"count": rows, "time": ran, "rows": format_number(rows)})

    def _failed(self, event: Event) -> str:
        ended = gettext("The attempt failed after %(time)s.") % {"time": exact_span(self._passed(event))}
        return join_sentences(ended, self._next(event.details))

    def _rescued(self, event: Event) -> str:
        ended = gettext("The attempt was lost after %(time)s: its worker ended, or made no progress.") % {
            "time": exact_span(self._passed(event))
        }
        return join_sentences(ended, self._next(event.details))

    def _retried(self, event: Event) -> str:
        self._since = self._since or event.at
        return ""

    def _requeued(self, event: Event) -> str:
        self._since, self.summary, self.waited = event.at, "", 0.0
        return self._sentence(event)

    def _handed_back(self, event: Event) -> str:
        self._since = event.at
        return gettext("Its worker was shut down, so it went back to the queue. This used up no attempt.")

    def _postponed(self, event: Event) -> str:
        self._since = event.at
        later = gettext("It was put off for %(time)s.") % {"time": exact_span(event.details.get("seconds", 0))}
        reason = event.details.get("public")
        return join_sentences(translated(reason), later) if reason else later

    def _dead_lettered(self, event: Event) -> str:
        return str(_GAVE_UP.get(event.details.get("reason", ""), gettext("It was not tried again.")))

    def _cancelled(self, event: Event) -> str:
        if event.actor and event.actor != self.owner:
            return gettext("An administrator canceled it.")
        return gettext("It was canceled.")

    def _downloaded(self, event: Event) -> str:
        count = self._downloads + 1
        if count == 1:
            return gettext("The file was downloaded.")
        return gettext("The file was downloaded %(count)s times, last at this time.") % {"count": format_number(count)}

    def _next(self, details: dict[str, Any]) -> str:
        seconds = details.get("retryInSeconds")
        if seconds is None:
            return ""
        return gettext("The next attempt was planned %(time)s later.") % {"time": exact_span(seconds)}

    def _passed(self, event: Event) -> float:
        """Seconds since the beginning of what ends now; what comes next begins now."""
        began, self._since = self._since or event.at, event.at
        return max(0.0, (event.at - began).total_seconds())
