"""The types of each kind, discovered in all installed apps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import autodiscover_modules

from jobs.kinds import get_kind

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from jobs.types.base import JobType  # imports the REST framework, which a worker without types does not need

T = TypeVar("T", bound="JobType")
C = TypeVar("C", bound="type[JobType]")

_IDENTIFIER: Final = re.compile("[a-z0-9]+(?:-[a-z0-9]+)*")

_registries: list[TypeRegistry[Any]] = []


class UnknownTypeError(LookupError):
    """The type does not exist, or the user may not order it; callers cannot tell which. Argument: the identifier."""


class TypeRegistry(Generic[T]):
    """The types of `kind`, which are subclasses of `base`. Apps register them in a module named `<kind>_types`.

    `member` is the key of the type in orders and payloads: `reportType`.
    """

    def __init__(self, kind: str, base: type[T]) -> None:
        self.kind, self.base = kind, base
        self.member = f"{kind}Type"
        self._types: dict[str, T] = {}
        _registries.append(self)

    def discover(self) -> None:
        """Import the types module of each installed app. Call it from `AppConfig.ready()` of the kind's app."""
        autodiscover_modules(f"{self.kind}_types")

    def register(self, job_type: C) -> C:
        """Class decorator: register a type under its identifier.

        Raises ImproperlyConfigured if the class is not a subclass of the base, or the identifier is missing, malformed
        or taken.
        """
        if self.base not in job_type.__mro__:
            raise ImproperlyConfigured(f"{_path(job_type)} must be a subclass of {_path(self.base)}")
        identifier = getattr(job_type, "identifier", "")
        if not _IDENTIFIER.fullmatch(identifier):
            raise ImproperlyConfigured(
                f"{job_type.__name__}.identifier must be lower-case words joined by hyphens, not {identifier!r}"
            )
        known = self._types.get(identifier)
        if known is not None and type(known) is not job_type:
            raise ImproperlyConfigured(
                f"{_path(job_type)} and {_path(type(known))} both have the identifier {identifier!r}"
            )
        self._types[identifier] = cast("type[T]", job_type)()
        return job_type

    def all(self) -> list[T]:
        """All types, sorted by identifier."""
        return [known for _, known in sorted(self._types.items())]

    def find(self, identifier: str) -> T | None:
        """The type named `identifier`, without a permission check; None if it does not exist."""
        return self._types.get(identifier)

    def orderable_by(self, user: AbstractBaseUser | AnonymousUser) -> list[T]:
        """The types that `user` may order, sorted by identifier."""
        return [known for known in self.all() if known.may_order(user)]

    def get(self, identifier: str, user: AbstractBaseUser | AnonymousUser) -> T:
        """The type named `identifier`. Raises UnknownTypeError, also if `user` may not order it."""
        known = self._types.get(identifier)
        if known is None or not known.may_order(user):
            raise UnknownTypeError(identifier)
        return known

    def queue_of(self, job_type: JobType) -> str:
        """The queue for orders of a type."""
        return job_type.queue or get_kind(self.kind).queue


def registries() -> list[TypeRegistry[Any]]:
    """The registries of all kinds whose jobs have a type."""
    return list(_registries)


def _path(job_type: type) -> str:
    return f"{job_type.__module__}.{job_type.__name__}"
