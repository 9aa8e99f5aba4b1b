"""One chart as inline SVG: a row's result over commits, with its target. It needs neither a script nor a font."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH, HEIGHT = 360, 210
LEFT, RIGHT, TOP, BOTTOM = 44, 14, 12, 40
#: Between the words at the top and the plot.
GAP: Final = 10
#: Points whose date and commit are written below them; more would overlap.
MOST_LABELS: Final = 4
#: Machines by the shape of their points as well as by their colour, because not everybody tells colours apart.
MARKERS: Final = ("circle", "square", "diamond", "triangle")


@dataclass(frozen=True)
class Point:
    """The result of one record, in the unit of the row."""

    date: str  #: YYYY-MM-DD
    commit: str  #: short
    value: float
    machine: int  #: its number, for marker and colour
    detail: str  #: for a tooltip


def chart(points: Sequence[Point], *, target: float | None, unit: str, title: str) -> str:
    """Points from the oldest to the newest, evenly spaced; the axis begins at 0, so that heights compare."""
    top = 1.15 * max(0.0, target or 0.0, *(point.value for point in points)) or 1.0
    places = [(_x(number, len(points)), _y(point.value, top)) for number, point in enumerate(points)]
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        *_axis(top, unit),
        *([] if target is None else _target(target, top)),
        f'<polyline class="line" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>',
        *(_marker(point, x, y) for point, (x, y) in zip(points, places, strict=True)),
        *_labels(points, places),
        "</svg>",
    ]
    return "\n".join(parts)


def labelled(count: int) -> list[int]:
    """Which of so many points get a label: the first, the last, and some between them."""
    if count <= MOST_LABELS:
        return list(range(count))
    return [round(number * (count - 1) / (MOST_LABELS - 1)) for number in range(MOST_LABELS)]


def marker(number: int, x: float, y: float, *, size: float = 5) -> str:
    """The shape of a machine, in its colour (`m0`, `m1` …)."""
    corners: list[tuple[float, float]]
    css = f'class="m{number % len(MARKERS)}"'
    match MARKERS[number % len(MARKERS)]:
        case "circle":
            return f'<circle {css} cx="{x:.1f}" cy="{y:.1f}" r="{size}"/>'
        case "square":
            corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
        case "diamond":
            corners = [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)]
        case _:
            corners = [(0, -1.2), (1.2, 1), (-1.2, 1)]
    return f'<polygon {css} points="{" ".join(f"{x + dx * size:.1f},{y + dy * size:.1f}" for dx, dy in corners)}"/>'


def _x(number: int, count: int) -> float:
    """In the middle where there is but one."""
    room = WIDTH - LEFT - RIGHT - 40
    return LEFT + 20 + (room / 2 if count == 1 else room * number / (count - 1))


def _y(value: float, top: float) -> float:
    return TOP + GAP + (HEIGHT - TOP - GAP - BOTTOM) * (1 - value / top)


def round_step(top: float) -> float:
    """1, 2 or 5 times a power of ten, of which two to four fit below the top."""
    power = 10.0 ** math.floor(math.log10(top / 2))
    return max(factor * power for factor in (1, 2, 5) if factor * power <= top / 2)


def _axis(top: float, unit: str) -> list[str]:
    """Lines at 0 and at round values, with their numbers, and the unit at the top."""
    step = round_step(top)
    lines = [f'<text x="0" y="{TOP}">{escape(unit)}</text>']
    for number in range(int(top / step) + 1):
        y = _y(number * step, top)
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text class="end" x="{LEFT - 6}" y="{y + 4:.1f}">{number * step:g}</text>')
    return lines


def _target(target: float, top: float) -> list[str]:
    """The line, and its number at the top, where it hides no point."""
    y = _y(target, top)
    line = f'<line class="target" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return [line, f'<text class="end target-text" x="{WIDTH - RIGHT}" y="{TOP}">target {target:g}</text>']


def _marker(point: Point, x: float, y: float) -> str:
    return f"<g><title>{escape(point.detail)}</title>{marker(point.machine, x, y)}</g>"


def _labels(points: Sequence[Point], places: Sequence[tuple[float, float]]) -> list[str]:
    labels = []
    for number in labelled(len(points)):
        x, point = places[number][0], points[number]
        labels.append(f'<text class="middle" x="{x:.1f}" y="{HEIGHT - 22}">{escape(point.date[2:])}</text>')
        labels.append(f'<text class="middle commit" x="{x:.1f}" y="{HEIGHT - 8}">{escape(point.commit)}</text>')
    return labels
