"""Startup of the `reports` app."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class ReportsConfig(AppConfig):
    """Registers the kind `report` with its scopes and error codes, and discovers the report types of all apps."""

    name = "reports"
    verbose_name = "Reports"

    def ready(self) -> None:
        from jobs.error_codes import Source, register_error_codes
        from jobs.kinds import register_kind
        from jobs.pages.sections import register_sections
        from reports import chart_checks, error_codes, reader_checks  # noqa: F401  (the checks register themselves)
        from reports.kind import REPORT
        from reports.reader import prepare_reader
        from reports.types import REPORT_TYPES

        register_kind(REPORT)
        register_error_codes(Source.RESPONSE, error_codes.OF_RESPONSES)
        register_error_codes(Source.JOB, error_codes.OF_JOBS)
        register_sections({"report-list": _("Reports")})
        # The sender is `jobs`: this app has no models, so Django sends no signal for it.
        post_migrate.connect(prepare_reader, sender=apps.get_app_config("jobs"), dispatch_uid="reports.prepare_reader")
        REPORT_TYPES.discover()
