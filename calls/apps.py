"""Startup of the `calls` app."""

from django.apps import AppConfig


class CallsConfig(AppConfig):
    """Registers the kind `call` with all that belongs to it, and discovers the call types of all apps."""

    name = "calls"
    verbose_name = "Calls"

    def ready(self) -> None:
        from calls import checks, error_codes  # noqa: F401  (the checks register themselves)
        from calls.kind import CALL
        from calls.types import CALL_TYPES
        from jobs.error_codes import Source, register_error_codes
        from jobs.kinds import register_kind

        register_kind(CALL)
        register_error_codes(Source.RESPONSE, error_codes.OF_RESPONSES)
        register_error_codes(Source.JOB, error_codes.OF_JOBS)
        CALL_TYPES.discover()
