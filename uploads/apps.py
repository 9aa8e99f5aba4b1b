"""Startup of the `uploads` app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class UploadsConfig(AppConfig):
    """Registers the kind `upload` with all that belongs to it, and discovers the upload types of all apps."""

    name = "uploads"
    verbose_name = "Uploads"

    def ready(self) -> None:
        from jobs.error_codes import Source, register_error_codes
        from jobs.files.references import register_references
        from jobs.housekeeping import register_sweep
        from jobs.kinds import register_kind
        from jobs.pages.sections import register_sections
        from uploads import checks, error_codes  # noqa: F401  (the checks register themselves)
        from uploads.kind import UPLOAD
        from uploads.resumable.expiring import expire_resumable_uploads
        from uploads.resumable.parts import parts_in_storage
        from uploads.types import UPLOAD_TYPES

        register_kind(UPLOAD)
        register_error_codes(Source.RESPONSE, error_codes.OF_RESPONSES)
        register_error_codes(Source.JOB, error_codes.OF_JOBS)
        register_references(parts_in_storage)
        register_sweep(expire_resumable_uploads, every_seconds=300)
        register_sections({"upload-list": _("Uploads")})
        UPLOAD_TYPES.discover()
