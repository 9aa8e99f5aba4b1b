"""Startup of the `reports` app."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ReportsConfig(AppConfig):
    """Registers the kind `report` and its scopes, and finds the report types of every installed app."""

    name = "reports"
    verbose_name = "Reports"

    def ready(self) -> None:
        from jobs.kinds import register_kind
        from jobs.tokens.scopes import register_scopes
        from reports import checks  # noqa: F401  (registers itself)
        from reports.api import schema  # noqa: F401  (registers itself)
        from reports.kind import REPORT

        register_kind(REPORT)
        register_scopes(
            {"reports:read": "see and download reports", "reports:order": "order, cancel and delete reports"}
        )
        autodiscover_modules("report_types")
