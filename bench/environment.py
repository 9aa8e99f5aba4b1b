"""Throw-away servers that write durably, so that the figures are honest."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.datafolder import DataFolder
from config.embedded import EmbeddedServers


@contextmanager
def servers() -> Iterator[DataFolder]:
    """Start PostgreSQL and Valkey in a temporary folder, and Django over them, with empty tables."""
    folder = DataFolder(Path(tempfile.mkdtemp(prefix="longhaul-bench-")))
    folder.claim(port=0)
    embedded = EmbeddedServers(folder)
    try:
        os.environ.update(
            embedded.start(),
            LONGHAUL_DATA=str(folder.path),
            DJANGO_SETTINGS_MODULE="config.settings",
            EXTRA_APPS="bench.wide",
            HTTPS="0",
            LOG_LEVEL="ERROR",
            LEASE_SECONDS="60",
        )
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        yield folder
    finally:
        from django.db import connections

        connections.close_all()
        folder.release()
        embedded.stop()
        shutil.rmtree(folder.path, ignore_errors=True)
