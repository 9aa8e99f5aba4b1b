"""Startup of the `jobs` app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class JobsConfig(AppConfig):
    """Registers the checks, and seeds queues and schedules once after `migrate`."""

    name = "jobs"
    verbose_name = "Jobs"

    def ready(self) -> None:
        from jobs import checks  # noqa: F401  (registers itself)
        from jobs.seeding import seed_queues, seed_schedules

        post_migrate.connect(seed_queues, sender=self, dispatch_uid="jobs.seed_queues")
        post_migrate.connect(seed_schedules, sender=self, dispatch_uid="jobs.seed_schedules")
