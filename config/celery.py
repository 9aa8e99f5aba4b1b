"""The Celery app. Its settings stand in `config.settings` under the prefix `CELERY_`."""

import os
import time
from typing import Any, Final

from celery import Celery, bootsteps
from celery.signals import setup_logging, task_prerun
from celery.worker import state
from django.db import close_old_connections
from django_structlog.celery.steps import DjangoStructLogInitStep

from config.presence import TellPresence

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("longhaul")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()  # for every thread of the web server, not only the one that imports this
app.autodiscover_tasks()
app.steps["worker"].add(DjangoStructLogInitStep)


class PoolUpkeep(bootsteps.StartStopStep):
    """Replace pool processes that have ended: twice a second, where Celery may take five.

    When it hears that a process ends, Celery looks at once, and may be too early; what was already sent to that
    process waits until it looks again (https://github.com/celery/celery/issues/9588).
    """

    requires = ("celery.worker.components:Pool",)

    def register_with_event_loop(self, worker: Any, hub: Any) -> None:
        """Called by the worker's event loop, which only the prefork pool has."""
        if hasattr(worker.pool, "maintain_pool"):
            hub.call_repeatedly(0.5, worker.pool.maintain_pool)


app.steps["worker"].add(PoolUpkeep)

#: A worker that lost its connection this shortly after the last time waits before it connects again. Seconds.
LOST_AGAIN_WITHIN_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 2.0


class PauseBeforeReconnecting(bootsteps.StartStopStep):
    """Keep a worker from connecting several times a second while Redis answers each time with an error.

    A Redis that is read-only, or holds a key of the wrong type, accepts the connection; Celery would try
    again at once, and write ten lines a second. What the pool runs goes on meanwhile.
    """

    requires = ("celery.worker.consumer.connection:Connection",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self.lost_at = float("-inf")

    def stop(self, consumer: Any) -> None:
        """Called each time the connection is lost, and when the worker stops."""
        now = time.monotonic()
        if now - self.lost_at < LOST_AGAIN_WITHIN_SECONDS and not stopping():
            time.sleep(PAUSE_SECONDS)  # this thread serves the connection alone, and there is none
        self.lost_at = time.monotonic()


def stopping() -> bool:
    """Whether this worker was told to stop."""
    asked: tuple[object, ...] = (state.should_stop, state.should_terminate)  # an exit code, which may be 0
    return any(code is not None and code is not False for code in asked)


app.steps["consumer"].add(PauseBeforeReconnecting)
app.steps["consumer"].add(TellPresence)


@task_prerun.connect
def mend_connections(**kwargs: Any) -> None:
    """Drop connections that are broken or too old, as Django does before each request.

    Celery would close them all around every task; CELERY_DB_REUSE_MAX keeps it from that.
    """
    close_old_connections()


@setup_logging.connect
def keep_django_logging(**kwargs: Any) -> None:
    """Keep the logging that Django set up: with a receiver here, Celery installs none of its own."""
