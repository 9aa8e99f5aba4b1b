"""Servers of the benchmark's own, which write durably, so that the figures are honest."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from config.stack.datafolder import DataFolder
from config.stack.embedded import EmbeddedServers

#: What a developer's shell may carry and would change what is measured.
FOREIGN: Final = (
    "DATABASE_URL",
    "DEBUG",
    "REDIS_URL",
    "REPLICA_URL",
    "REPORTS_DATABASE_URL",
    "RETENTION_DAYS",
    "SECRET_KEY",
    "STORAGE_URL",
    "WORKER_CONCURRENCY",
    "WORKER_MAX_MEMORY_MB_PER_CHILD",
    "WORKER_MAX_TASKS_PER_CHILD",
)


@contextmanager
def servers() -> Iterator[DataFolder]:
    """Start PostgreSQL and Valkey in a temporary folder, and Django over them, with empty tables.

    Raises LaunchError when the servers do not start.
    """
    folder = DataFolder(Path(tempfile.mkdtemp(prefix="longhaul-bench-")))
    folder.claim(port=0)
    embedded = EmbeddedServers(folder, delete=True)  # at the end, even when we are killed
    for name in FOREIGN:
        os.environ.pop(name, None)
    os.environ.update(
        embedded.start(),
        LONGHAUL_DATA=str(folder.path),
        DJANGO_SETTINGS_MODULE="config.settings",
        EXTRA_APPS="bench.articles,bench.nothing,bench.slow,bench.wide",
        HTTPS="0",
        LEASE_SECONDS="60",
        LOG_LEVEL="ERROR",
    )
    try:
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
