"""The Celery app. Its settings are those of `config.settings` that begin with `CELERY_`."""

import os
import time
from typing import Any, Final

from celery import Celery, bootsteps
from celery.signals import beat_init, import_modules, setup_logging, task_postrun, task_prerun, worker_init
from celery.worker import state
from django.conf import settings
from django.db import close_old_connections
from django_structlog.celery.steps import DjangoStructLogInitStep

from config.loading import pause_collection, resume_collection
from config.presence import ReportPresence

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


@import_modules.connect
def before_loading(**kwargs: Any) -> None:
    """Connected before the app exists, so that it is called before Celery sets Django up."""
    pause_collection()


@worker_init.connect
@beat_init.connect
def after_loading(**kwargs: Any) -> None:
    """A worker has not forked its pool yet."""
    resume_collection()


app = Celery("longhaul")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()  # for every thread of the web server, not only the one that imports this module
app.autodiscover_tasks()
app.steps["worker"].add(DjangoStructLogInitStep)


class PoolUpkeep(bootsteps.StartStopStep):
    """Replace pool processes that have ended, twice a second; Celery may take five seconds.

    Celery looks as soon as it learns that a process is ending, which may be too early. Tasks already sent to that
    process then wait until it looks again (https://github.com/celery/celery/issues/9588).
    """

    requires = ("celery.worker.components:Pool",)

    def register_with_event_loop(self, worker: Any, hub: Any) -> None:
        """Only the prefork pool has an event loop."""
        if hasattr(worker.pool, "maintain_pool"):
            hub.call_repeatedly(0.5, worker.pool.maintain_pool)


app.steps["worker"].add(PoolUpkeep)


class SharedSessions(bootsteps.Step):
    """Let the threads of this worker share DATABASE_POOL_SIZE sessions of PostgreSQL.

    Never in a worker that forks: its processes run one job at a time, and must not inherit a pool.
    """

    requires = ("celery.worker.components:Pool",)

    def include_if(self, worker: Any) -> bool:
        """Called when the class of the pool is known."""
        from celery.concurrency.thread import TaskPool

        return bool(settings.DATABASE_POOL_SIZE) and issubclass(worker.pool_cls, TaskPool)

    def create(self, worker: Any) -> None:
        """Called before the threads begin."""
        from jobs.postgres.pooling import use_pool

        use_pool(settings.DATABASE_POOL_SIZE)


app.steps["worker"].add(SharedSessions)

#: A worker that loses its connection again within this time pauses before it reconnects. Seconds.
LOST_AGAIN_WITHIN_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 2.0


class PauseBeforeReconnecting(bootsteps.StartStopStep):
    """Keep a worker from reconnecting several times a second while Redis answers every command with an error.

    A Redis that is read-only, or has a key of the wrong type, accepts the connection, so Celery would retry at
    once and log ten lines a second. The pool keeps running its tasks during the pause.
    """

    requires = ("celery.worker.consumer.connection:Connection",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self.lost_at = float("-inf")

    def stop(self, consumer: Any) -> None:
        """Called each time the connection is lost, and when the worker stops."""
        exit_codes: tuple[object, ...] = (state.should_stop, state.should_terminate)  # 0 is one, too
        is_stopping = any(code is not None and code is not False for code in exit_codes)
        if time.monotonic() - self.lost_at < LOST_AGAIN_WITHIN_SECONDS and not is_stopping:
            time.sleep(PAUSE_SECONDS)  # this thread only serves the connection, which is gone
        self.lost_at = time.monotonic()


app.steps["consumer"].add(PauseBeforeReconnecting)
app.steps["consumer"].add(ReportPresence)


@task_prerun.connect
def close_unusable_connections(**kwargs: Any) -> None:
    """Close connections that are broken or too old, as Django does before each request.

    CELERY_DB_REUSE_MAX keeps Celery from closing all of them around every task.
    """
    close_old_connections()


@task_postrun.connect
def release_shared_session(**kwargs: Any) -> None:
    """Give the session back that storing the result took. With CELERY_DB_REUSE_MAX, the thread would keep it."""
    from jobs.postgres.pooling import release_connection

    release_connection()


@setup_logging.connect
def keep_django_logging(**kwargs: Any) -> None:
    """Keep Django's logging: with a receiver for this signal, Celery does not set up its own."""
