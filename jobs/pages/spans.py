"""Spans of time in the language of the page."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext, gettext_lazy

#: Seconds of a unit, and its text.
_UNITS: Final = (
    (86_400, gettext_lazy("%(count)d d")),
    (3_600, gettext_lazy("%(count)d h")),
    (60, gettext_lazy("%(count)d min")),
    (1, gettext_lazy("%(count)d s")),
)


def exact_span(seconds: float) -> str:
    """In its two largest units: `less than 1 s`, `42 s`, `2 min 5 s`, `3 h`, `2 d 4 h`."""
    left = round(seconds)
    if left < 1:
        return gettext("less than 1 s")
    parts: list[str] = []
    for size, text in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(str(text) % {"count": count})
        elif parts:
            break
        if len(parts) == 2:
            break
    if len(parts) < 2:
        return parts[0]
    return gettext("%(larger)s %(smaller)s") % dict(zip(("larger", "smaller"), parts, strict=True))


def rough_span(seconds: float) -> str:
    """In its largest unit, as Django says it: `2 minutes`. From 60 seconds on."""
    now = timezone.now()
    return timesince(now, now + timedelta(seconds=seconds), depth=1)


def time_left(seconds: float | None) -> str:
    """`less than a minute left`, `about 2 minutes left`; empty for None."""
    if seconds is None:
        return ""
    if seconds < 60:
        return gettext("less than a minute left")
    return gettext("about %(time)s left") % {"time": rough_span(seconds)}


def starts_in(seconds: float | None) -> str:
    """`It starts in about 2 minutes.`; empty for None."""
    if seconds is None:
        return ""
    if seconds < 60:
        return gettext("It starts in less than a minute.")
    return gettext("It starts in about %(time)s.") % {"time": rough_span(seconds)}
