"""Information about the payload of a call for staff pages: that of every kind with types."""

from __future__ import annotations

from calls.types import CallType
from jobs.types.inspector import TypedInspector


class CallInspector(TypedInspector[CallType]):
    """Adds nothing: the steps of a call have their own page."""
