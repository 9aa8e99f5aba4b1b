"""The panel of the start page with the next runs of my schedules."""

from __future__ import annotations

from typing import Final

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from jobs.pages.signed_in import SignedInRequest
from jobs.schedules.reading import next_runs_of

#: Schedules that the panel shows.
MOST: Final = 5


def next_runs_panel(request: SignedInRequest) -> SafeString:
    """The schedules that run soonest; empty if the user has none. One query."""
    schedules = next_runs_of(request.user)[:MOST]
    return render_to_string("schedules/home_panel.html", {"schedules": schedules}) if schedules else SafeString("")
