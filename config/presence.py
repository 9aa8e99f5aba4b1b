"""A worker reports its presence while it is connected to Redis and its event loop runs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog
from celery import bootsteps
from django.conf import settings
from django.db import DatabaseError, InterfaceError

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = structlog.get_logger(__name__)


class ReportPresence(bootsteps.StartStopStep):
    """Renews the worker's row (`jobs.dispatch.presence`) from the timer of its consumer.

    In a prefork worker that timer is the event loop of the main process, so a loop that hangs renews nothing. The loop
    waits for PostgreSQL, at most two seconds if it does not answer. A thread cannot do this, because the process forks.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self.timer_entry: Any = None
        self.begins = True

    def start(self, consumer: Any) -> None:
        """Called each time the worker has connected."""
        if period := settings.WORKER_PRESENCE_SECONDS:
            self._renew(consumer)
            self.timer_entry = consumer.timer.call_repeatedly(period, self._renew, (consumer,))

    def stop(self, consumer: Any) -> None:
        """Called when the connection is lost, and when the worker stops."""
        if self.timer_entry is not None:
            self.timer_entry.cancel()
            self.timer_entry = None

    def shutdown(self, consumer: Any) -> None:
        """Called once, when the worker shuts down normally."""
        from jobs.dispatch.presence import leave

        self.stop(consumer)
        if settings.WORKER_PRESENCE_SECONDS:
            with errors_logged("presence_not_ended"):
                leave(consumer.hostname)

    def _renew(self, consumer: Any) -> None:
        from jobs.dispatch.presence import renew

        queues = [queue.name for queue in consumer.task_consumer.queues]
        with errors_logged("presence_not_renewed"):
            renew(consumer.hostname, queues, begins=self.begins)
            self.begins = False


@contextmanager
def errors_logged(event: str) -> Iterator[None]:
    """Log that PostgreSQL is away. The worker carries on, and its row grows old."""
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        logger.warning(event, error=str(error).split("\n", 1)[0])
