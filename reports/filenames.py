"""File names of reports."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import structlog
from django.utils import timezone

from jobs.files.filenames import safe_filename
from jobs.payloads.redaction import cleared, redact
from jobs.types.secret_parameters import is_secret_field

if TYPE_CHECKING:
    from reports.types import ReportType

logger = structlog.get_logger(__name__)

#: Longer values are omitted from the name. Characters.
LONGEST_VALUE: Final = 40


def name_file(
    report_type: ReportType, parameters: dict[str, Any], *, extension: str, secrets: Collection[str] = ()
) -> str:
    """The report type's name for the file, made safe and without `secrets`; the default name if the type fails."""
    default = default_name(type(report_type), {})
    try:
        stem = report_type.filename(parameters)
        if not isinstance(stem, str):
            raise TypeError(f"filename() returned {type(stem).__name__}")
    except Exception as error:  # code of another app: it must not fail the report
        logger.warning("file_not_named", report_type=report_type.identifier, error=redact(repr(error), secrets))
        stem = default
    return safe_filename(cleared(stem, secrets), extension, otherwise=safe_filename(default))


def default_name(report_type: type[ReportType], parameters: dict[str, Any]) -> str:
    """The identifier, the short parameters that are not secret, and today's date."""
    values = (_in_words(value) for name, value in parameters.items() if not is_secret_field(report_type, name))
    words = [word for word in values if 0 < len(word) <= LONGEST_VALUE]
    return "-".join([report_type.identifier, *words, timezone.localdate().isoformat()])


def _in_words(value: Any) -> str:
    """Texts, numbers, dates and times as text; any other value becomes an empty text."""
    match value:
        case bool():
            return ""
        case str() | int():
            return str(value)
        case Decimal() if value.is_finite():
            return format(value, "f") if abs(value.adjusted()) < LONGEST_VALUE else ""
        case float():
            return f"{value:.10g}"
        case datetime() | time():
            return value.isoformat(timespec="seconds")
        case date():
            return value.isoformat()
    return ""
