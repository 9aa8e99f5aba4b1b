"""Small charts of numbers over time, as coordinates for an SVG."""

from __future__ import annotations

from collections.abc import Sequence

#: Height of a chart, and distance between two bars.
HEIGHT = 24
STEP = 5


def sparkline(values: Sequence[int]) -> list[tuple[int, float, float]]:
    """x, y and height of a bar for each value. The highest one fills the chart; only 0 is invisible."""
    top = max(values, default=0) or 1
    heights = [round(max(1.5, HEIGHT * value / top), 1) if value else 0.0 for value in values]
    return [(STEP * index, round(HEIGHT - height, 1), height) for index, height in enumerate(heights)]


def stacked_bars(lower: Sequence[int], upper: Sequence[int]) -> list[tuple[int, float, float, float, float]]:
    """Per step: x, y and height of the lower bar, y and height of the upper one. The highest pair fills the chart."""
    top = max((low + high for low, high in zip(lower, upper, strict=True)), default=0) or 1
    bars = []
    for index, (low, high) in enumerate(zip(lower, upper, strict=True)):
        below, above = (round(max(1.0, HEIGHT * value / top) if value else 0.0, 1) for value in (low, high))
        bars.append((STEP * index, round(HEIGHT - below, 1), below, round(HEIGHT - below - above, 1), above))
    return bars
