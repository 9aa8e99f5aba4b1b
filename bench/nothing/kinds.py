"""A kind with everything on: retries, lease, heartbeat. Only its handler is empty."""

from __future__ import annotations

from typing import Final

from jobs.context import JobContext
from jobs.kinds import Kind


def do_nothing(context: JobContext) -> None:
    """The handler."""


NOTHING: Final = Kind("bench-nothing", "reports", do_nothing)
