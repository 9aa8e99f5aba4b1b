"""Threads that wait for something else give their session back first."""

from __future__ import annotations

from django.db import connections


def release_connection() -> None:
    """Give this thread's session back to the pool. Nothing happens without a pool, or within a transaction."""
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["OPTIONS"].get("pool") and not connection.in_atomic_block:
            connection.close()
