"""Small pictures of numbers over time, as coordinates for an SVG."""

from __future__ import annotations

from collections.abc import Sequence

#: Of the sparkline's picture.
HEIGHT = 24
STEP = 5


def sparkline(values: Sequence[int]) -> list[tuple[int, float, float]]:
    """x, y and height of a bar for each value; the highest fills the picture, and no value but 0 is invisible."""
    top = max(values, default=0) or 1
    heights = [round(max(1.5, HEIGHT * value / top), 1) if value else 0.0 for value in values]
    return [(STEP * index, round(HEIGHT - height, 1), height) for index, height in enumerate(heights)]
