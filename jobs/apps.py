"""Startup of the `jobs` app."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class JobsConfig(AppConfig):
    """Registers checks, kinds, scopes and error codes; seeds the database after `migrate`; configures new sessions."""

    name = "jobs"
    verbose_name = "Jobs"

    def ready(self) -> None:
        from jobs import checks, failure_codes  # noqa: F401  (the checks register themselves)
        from jobs.api import error_codes as response_codes
        from jobs.bulk.kind import KIND
        from jobs.error_codes import Source, register_error_codes
        from jobs.interventions.inquiries import KIND as INQUIRY
        from jobs.kinds import register_kind
        from jobs.mailing.kind import KIND as MAIL
        from jobs.maintenance.roles import seed_roles
        from jobs.maintenance.schedules import accept_unknown_time_zones
        from jobs.maintenance.seeding import seed_queues, seed_schedules
        from jobs.monitoring import agreement  # noqa: F401  (registers a check)
        from jobs.pages.home_panels import register_home_panel
        from jobs.pages.schedules.home_panel import next_runs_panel
        from jobs.pages.sections import register_sections
        from jobs.postgres.sessions import configure_session
        from jobs.task_backend.kind import KIND as TASK
        from jobs.tokens.scopes import register_scopes
        from jobs.types import checks as type_checks  # noqa: F401  (registers checks)
        from jobs.webhooks.kind import KIND as CALLBACK

        accept_unknown_time_zones()
        register_kind(KIND)
        register_kind(CALLBACK)
        register_kind(INQUIRY)
        register_kind(MAIL)
        register_kind(TASK)
        register_error_codes(Source.RESPONSE, response_codes.CODES)
        register_error_codes(Source.JOB, failure_codes.CODES)
        register_sections({"home": _("Home")})
        register_sections({"schedule-list": _("Schedules")}, last=True)
        register_home_panel(next_runs_panel)
        register_scopes({"tokens:manage": _("list, make and revoke tokens")})
        connection_created.connect(configure_session, dispatch_uid="jobs.configure_session")
        for seed in (seed_queues, seed_schedules, seed_roles):
            post_migrate.connect(seed, sender=self, dispatch_uid=f"jobs.{seed.__name__}")
