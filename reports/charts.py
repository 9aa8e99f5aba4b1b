"""The chart of a report type: which columns of its file are drawn, and what of a file can be drawn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from django.utils.translation import gettext

from jobs.joining import join_words
from jobs.numbers import format_number

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

KINDS: Final = ("line", "bar")
#: A file with more rows, and a chart with more lines, would be unreadable.
MOST_ROWS: Final = 2000
MOST_SERIES: Final = 12

_NUMBER: Final = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:e[-+][0-9]{1,3})?")


@dataclass(frozen=True)
class Chart:
    """Columns are named as in the query. `x` labels the points, in the order of the file, at even distances.

    Each column of `y` has numbers, and is one series. With `by`, there is one column in `y`, and each value of `by` is
    a series: there must be at most one row for each pair of `x` and `by`.
    """

    kind: Literal["line", "bar"]
    x: str
    y: Sequence[str]
    by: str = ""
    title: _StrOrPromise = ""

    @property
    def columns(self) -> list[str]:
        """All columns that it reads."""
        return [self.x, *self.y, *([self.by] if self.by else [])]

    def mistakes(self) -> list[str]:
        """What is wrong with the declaration, each as a sentence."""
        found = []
        if self.kind not in KINDS:
            found.append(f"The kind of a chart is one of: {', '.join(KINDS)}.")
        if isinstance(self.y, str) or not self.y or not all(isinstance(name, str) for name in self.y):
            return [*found, "y is a list with the name of at least one column."]
        if len(set(self.columns)) < len(self.columns):
            found.append("x, y and by must name different columns.")
        if self.by and len(self.y) > 1:
            found.append("With by, y has one column.")
        if len(self.y) > MOST_SERIES:
            found.append(f"y has at most {MOST_SERIES} columns.")
        return found


class NoChartError(Exception):
    """The file cannot be drawn. The message is for its owner."""


@dataclass(frozen=True)
class Series:
    """A line, or a set of bars: a number for each label; empty where there is none."""

    name: str
    values: list[str]


@dataclass(frozen=True)
class Drawing:
    """The numbers of a chart, as they stand in the file."""

    kind: str
    title: str
    x: str
    labels: list[str]
    series: list[Series] = field(default_factory=list)

    @property
    def points(self) -> list[tuple[str, list[str]]]:
        """A label with the numbers of all series, for each row of the table of values."""
        return [(label, [series.values[place] for series in self.series]) for place, label in enumerate(self.labels)]


def draw(chart: Chart, rows: Sequence[Sequence[str]], places: dict[str, int], headings: Sequence[str]) -> Drawing:
    """The drawing of these rows. `places` are those of the chart's columns. Raises NoChartError."""
    if not rows:
        raise NoChartError(gettext("There is no chart, because the file has no rows."))
    for name in chart.y:
        _require_numbers(rows, places[name], headings[places[name]])
    x, y = headings[places[chart.x]], [headings[places[name]] for name in chart.y]
    title = str(chart.title) or join_words(y)
    if chart.by:
        labels, series = _split(rows, x=places[chart.x], y=places[chart.y[0]], by=places[chart.by])
    else:
        labels = [row[places[chart.x]] for row in rows]
        columns = [[row[places[name]] for row in rows] for name in chart.y]
        series = [Series(name, values) for name, values in zip(y, columns, strict=True)]
    return Drawing(chart.kind, title, x, labels, series)


def _split(rows: Sequence[Sequence[str]], *, x: int, y: int, by: int) -> tuple[list[str], list[Series]]:
    """A series for each value of the column `by`."""
    labels = list(dict.fromkeys(row[x] for row in rows))
    names = list(dict.fromkeys(row[by] for row in rows))
    if len(names) > MOST_SERIES:
        text = gettext("There is no chart, because it would have %(count)s lines; at most %(most)s can be told apart.")
        raise NoChartError(text % {"count": format_number(len(names)), "most": MOST_SERIES})
    numbers = {(row[x], row[by]): row[y] for row in rows}
    if len(numbers) < len(rows):
        raise NoChartError(gettext("There is no chart, because several rows would be at the same point."))
    return labels, [Series(name, [numbers.get((label, name), "") for label in labels]) for name in names]


def _require_numbers(rows: Sequence[Sequence[str]], place: int, heading: str) -> None:
    for row in rows:
        if row[place] and not _NUMBER.fullmatch(row[place]):
            text = gettext("There is no chart, because the column “%(heading)s” has a value that is not a number.")
            raise NoChartError(text % {"heading": heading})
