"""Durations, in words for people."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))


def in_words(duration: timedelta | float) -> str:
    """A timedelta, or seconds, in its two largest units: `0.24 s`, `42 s`, `2 min 5 s`, `3 h`, `2 d 4 h`."""
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    if seconds < 10:
        return f"{max(round(seconds, 4), 0.0):.2g} s"
    whole = round(seconds)
    parts: list[str] = []
    for size, unit in (*_UNITS, (1, "s")):
        count, whole = divmod(whole, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
        if len(parts) == 2:
            break
    return " ".join(filter(None, parts))
