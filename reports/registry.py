"""The report types of all installed apps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from reports.types import ReportType

T = TypeVar("T", bound="type[ReportType]")

_IDENTIFIER = re.compile("[a-z0-9]+(?:-[a-z0-9]+)*")

_types: dict[str, ReportType] = {}


class UnknownReportTypeError(LookupError):
    """There is no such report type, or this user may not order it: both look the same."""


def register(report_type: T) -> T:
    """Class decorator: make a report type known under its identifier.

    Raises ImproperlyConfigured when the identifier is missing, malformed or taken.
    """
    identifier = getattr(report_type, "identifier", "")
    if not _IDENTIFIER.fullmatch(identifier):
        raise ImproperlyConfigured(
            f"{report_type.__name__}.identifier must be lower-case words joined by hyphens, not {identifier!r}"
        )
    known = _types.get(identifier)
    if known is not None and type(known) is not report_type:
        raise ImproperlyConfigured(
            f"{report_type.__module__}.{report_type.__name__} and {type(known).__module__}.{type(known).__name__} "
            f"are both called {identifier!r}"
        )
    _types[identifier] = report_type()
    return report_type


def registered_types() -> list[ReportType]:
    """All report types, by identifier."""
    return [known for _, known in sorted(_types.items())]


def find_report_type(identifier: str) -> ReportType | None:
    """The report type called `identifier`, whoever asks; None when there is none."""
    return _types.get(identifier)


def report_types_for(user: AbstractBaseUser | AnonymousUser) -> list[ReportType]:
    """The report types that `user` may order, by identifier."""
    return [known for known in registered_types() if known.may_order(user)]


def get_report_type(identifier: str, user: AbstractBaseUser | AnonymousUser) -> ReportType:
    """The report type called `identifier`. Raises UnknownReportTypeError, also where `user` may not order it."""
    known = _types.get(identifier)
    if known is None or not known.may_order(user):
        raise UnknownReportTypeError(identifier)
    return known
