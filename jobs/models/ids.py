"""Ids of jobs: UUIDv7, in the order of their creation."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID


def first_id_at(moment: datetime) -> UUID:
    """The lowest UUIDv7 of this millisecond (RFC 9562 section 5.7)."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62)
