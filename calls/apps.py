"""Startup of the `calls` app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class CallsConfig(AppConfig):
    """Registers the kind `call` with all that belongs to it, and discovers the call types of all apps."""

    name = "calls"
    verbose_name = "Calls"

    def ready(self) -> None:
        from celery.signals import worker_shutdown

        from calls import checks, error_codes  # noqa: F401  (the checks register themselves)
        from calls.hosts.declared import seed_hosts
        from calls.hosts.gatekeeper import stop_gatekeeper
        from calls.hosts.sweeping import forget_hosts, return_lost_turns
        from calls.kind import CALL
        from calls.types import CALL_TYPES
        from jobs.error_codes import Source, register_error_codes
        from jobs.housekeeping import register_sweep
        from jobs.kinds import register_kind
        from jobs.pages.sections import register_sections

        register_kind(CALL)
        register_error_codes(Source.RESPONSE, error_codes.OF_RESPONSES)
        register_error_codes(Source.JOB, error_codes.OF_JOBS)
        register_sweep(return_lost_turns, every_seconds=60)
        register_sweep(forget_hosts, every_seconds=600)
        register_sections({"call-list": _("Calls")})
        CALL_TYPES.discover()
        post_migrate.connect(seed_hosts, sender=self, dispatch_uid="calls.seed_hosts")
        worker_shutdown.connect(stop_gatekeeper, weak=False, dispatch_uid="calls.stop_gatekeeper")
