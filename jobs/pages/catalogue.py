"""The catalogue: what a user can order, in groups, with what each type usually takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from jobs.durations import in_words
from jobs.estimates.past_attempts import read_past
from jobs.estimates.run_time import NO_ATTEMPTS, PastAttempts
from jobs.joining import join_words
from jobs.numbers import format_number, format_size
from jobs.pages.words import KindWords

if TYPE_CHECKING:
    from jobs.types.base import JobType


@dataclass(frozen=True)
class Entry:
    """A type as the catalogue shows it."""

    job_type: JobType
    columns: Sequence[str]
    past: PastAttempts
    words: KindWords

    @property
    def usual(self) -> str:
        """`Usually 12 s, 40,000 rows, 3.0 MB`: medians of the past, as far as they say something; empty if nothing."""
        if self.past.median_seconds is None:
            return ""
        facts = [in_words(max(1.0, round(self.past.median_seconds)))]
        if (rows := self.past.usual_rows) is not None:
            facts.append(str(self.words.counted % {"count": rows, "number": format_number(rows)}))
        if size := self.past.usual_bytes:
            facts.append(format_size(size))
        return _("Usually %(facts)s") % {"facts": join_words(facts)}

    @property
    def columns_more(self) -> int:
        """How many columns the page leaves out."""
        return max(0, len(self.columns) - 8)

    @property
    def text(self) -> str:
        """What a search looks at."""
        return " ".join([str(self.job_type.title), str(self.job_type.description), self.job_type.identifier,
                         *self.columns]).casefold()  # fmt: skip


@dataclass(frozen=True)
class Group:
    """Some types under a heading; the heading is empty if no type has a group."""

    title: str
    entries: list[Entry]


def catalogue_of(
    job_types: Iterable[JobType],
    *,
    kind: str,
    columns_of: Callable[[JobType], Sequence[str]],
    words: KindWords,
    searched: str = "",
) -> list[Group]:
    """The types whose texts have each word of `searched`. One query, if there is any type.

    Groups are sorted by their titles, and types without a group come last.
    """
    types = list(job_types)
    past = read_past({(kind, one.identifier) for one in types})[1] if types else {}
    entries = [Entry(one, columns_of(one), past.get((kind, one.identifier), NO_ATTEMPTS), words) for one in types]
    asked = searched.casefold().split()
    found = [entry for entry in entries if all(word in entry.text for word in asked)]
    titles = sorted({str(entry.job_type.group) for entry in found}, key=lambda title: (not title, title))
    other = _("Other") if any(str(one.group) for one in types) else ""
    return [Group(title or other, [entry for entry in found if str(entry.job_type.group) == title]) for title in titles]
