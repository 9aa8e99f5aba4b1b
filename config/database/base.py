"""Django's backend for PostgreSQL, whose health check takes no trip to the server.

Before a connection that is kept is used again (CONN_HEALTH_CHECKS), Django asks it `SELECT 1`: of a request that reads
one row that is a tenth. But a server that ends a session says so, and nothing else comes in over a connection that
waits for nothing. One that has vanished without a word ends it by the keepalives that the settings ask for.
"""

from __future__ import annotations

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """As Django's own but for `is_usable`."""

    def is_usable(self) -> bool:
        """Whether the session goes on, as far as is known here. After an error the server is asked, as by Django."""
        if self.errors_occurred:
            return bool(super().is_usable())
        if self.connection is None or self.connection.closed:
            return False
        incoming = select.poll()
        incoming.register(self.connection.fileno(), select.POLLIN)
        return not incoming.poll(0)
