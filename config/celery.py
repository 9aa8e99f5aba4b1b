"""The Celery app. Its settings stand in `config.settings` under the prefix `CELERY_`."""

import os
from typing import Any

from celery import Celery, bootsteps
from celery.signals import setup_logging, task_prerun
from django.db import close_old_connections
from django_structlog.celery.steps import DjangoStructLogInitStep

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


@task_prerun.connect
def mend_connections(**kwargs: Any) -> None:
    """Drop connections that are broken or too old, as Django does before each request.

    Celery would close them all around every task; CELERY_DB_REUSE_MAX keeps it from that.
    """
    close_old_connections()


@setup_logging.connect
def keep_django_logging(**kwargs: Any) -> None:
    """Keep the logging that Django set up: with a receiver here, Celery installs none of its own."""
