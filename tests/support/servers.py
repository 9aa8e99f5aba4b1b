"""pytest plugin: one throw-away PostgreSQL and Valkey for the run, before Django reads its settings.

Loaded by `-p tests.support.servers`. Whatever `DATABASE_URL` and friends say outside, tests get servers of
their own in a temporary folder, which holds `LONGHAUL_DATA` too, so no test touches `.data`. The
servers follow this process (see `config/stack/tether.py`): they end, and the folder goes, even when pytest
is killed.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest

from config.stack.datafolder import DataFolder, LaunchError
from config.stack.embedded import EmbeddedServers

# Variables of the service that a developer's shell may carry; none may leak into a test.
FOREIGN: Final = (
    "ALLOWED_HOSTS",
    "CALLBACK_ALLOWED_NETWORKS",
    "CALLBACK_ALLOWED_PORTS",
    "CALLBACK_ALLOW_HTTP",
    "CALLBACK_CIRCUIT_FAILURES",
    "CALLBACK_CIRCUIT_LONGEST_OPEN_SECONDS",
    "CALLBACK_CIRCUIT_OPEN_SECONDS",
    "CALLBACK_CONCURRENCY",
    "CALLBACK_CONNECT_TIMEOUT_SECONDS",
    "CALLBACK_GIVE_UP_HOURS",
    "CALLBACK_SECRET_OVERLAP_HOURS",
    "CALLBACK_TIMEOUT_SECONDS",
    "CALL_CIRCUIT_FAILURES",
    "CALL_CIRCUIT_LONGEST_OPEN_SECONDS",
    "CALL_CIRCUIT_OPEN_SECONDS",
    "CALL_CONCURRENCY",
    "CALL_HOST_LONGEST_CLOSED_SECONDS",
    "CALL_TURN_WAITERS",
    "CALL_TURN_WAIT_SECONDS",
    "DATABASE_POOL_SIZE",
    "DATABASE_URL",
    "DEBUG",
    "EXAMPLE_RATES_URL",
    "EXTRA_APPS",
    "LEASE_SECONDS",
    "MAX_CELL_BYTES",
    "METRICS_TOKEN",
    "PORT",
    "PREFER_WAIT_MAX_SECONDS",
    "PREFER_WAIT_PLACES",
    "QUEUES",
    "REDIS_URL",
    "PREVIEWS_AT_ONCE",
    "PREVIEW_MEMORY_MB",
    "PREVIEW_TIMEOUT_SECONDS",
    "REPLICA_URL",
    "REQUEST_DATABASE_TIMEOUT_SECONDS",
    "REPORTS_DATABASE_URL",
    "RETENTION_DAYS",
    "SALES_LINES",
    "HAND_BACK_AFTER_SECONDS",
    "HISTORY_DAYS",
    "JOB_SOFT_TIME_LIMIT_SECONDS",
    "ORPHAN_FILE_AGE_SECONDS",
    "REPUBLISH_AFTER_SECONDS",
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "STORAGE_URL",
    "TASK_CONCURRENCY",
    "WORKER_CONCURRENCY",
    "WORKER_PRESENCE_SECONDS",
)

# What the tests and the services that they start run with.
ENVIRONMENT: Final = {
    # Their tables are in the test database.
    "EXTRA_APPS": "tests.support.apps.chores,tests.support.apps.remote,tests.support.apps.warehouse",
    "HTTPS": "0",
    "LOG_FORMAT": "console",
    "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # Playwright's synchronous API runs an event loop in this thread
}

#: The servers stand in memory where there is this much of it. On a disk, whatever a test flushes there waits for
#: everything that they have written. Bytes.
MEMORY: Final = Path("/dev/shm")  # noqa: S108
ENOUGH_MEMORY: Final = 4 * 2**30


def parent_folder() -> Path | None:
    """Where the folder goes; None stands for the system's default, and so does a `TMPDIR` that somebody has set."""
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ENOUGH_MEMORY:
        return None
    return MEMORY


class ThrowAwayServers:
    """The plugin's state: the folder and its servers, started once."""

    folder: DataFolder
    servers: EmbeddedServers | None = None
    started_at: float

    def start(self) -> None:
        self.folder = DataFolder(Path(tempfile.mkdtemp(prefix="longhaul-test-", dir=parent_folder())))
        self.folder.claim(port=0)
        self.servers = EmbeddedServers(self.folder, durable=False, delete=True)
        for name in FOREIGN:
            os.environ.pop(name, None)
        os.environ.update(ENVIRONMENT, LONGHAUL_DATA=str(self.folder.path), **self.servers.start())
        self.started_at = time.monotonic()

    def stop(self) -> None:
        if self.servers is not None:
            self.folder.release()
            self.servers.stop()
            self.servers = None

    def database_url(self, name: str) -> str:
        assert self.servers is not None, "the plugin tests.support.servers is not loaded"
        return self.servers.postgres.url(name)


throw_away = ThrowAwayServers()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """A wrapper runs before pytest-django's own hook of this name, which loads the settings."""
    options = early_config.known_args_namespace
    if not (options.help or options.version):
        try:
            throw_away.start()
        except LaunchError as error:
            raise pytest.UsageError(f"the servers for the tests do not start: {error}") from error
    yield


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    throw_away.stop()
