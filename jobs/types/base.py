"""What the types of every kind have in common: a report type, an upload type and a call type are subclasses."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from rest_framework import serializers

from jobs.inspection import TypeDefaults

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
    from django.utils.functional import _StrOrPromise


class NoParameters(serializers.Serializer[Any]):
    """For a type that takes none."""


class JobType:
    """One sort of job of a kind. A developer subclasses the kind's own subclass of this and registers it.

    One instance is made and shared by all threads: keep no state in it.
    """

    #: The name in URLs and orders: lower case, digits, hyphens.
    identifier: ClassVar[str]
    title: ClassVar[_StrOrPromise]
    description: ClassVar[_StrOrPromise] = ""
    #: Validates what a consumer may choose; a plain DRF serializer.
    Parameters: ClassVar[type[serializers.Serializer[Any]]] = NoParameters
    #: Parameters whose values are secrets though their names do not say so: masked on the staff's pages and in errors.
    sensitive: ClassVar[Collection[str]] = ()
    #: Queue that its orders wait in; None is the queue of the kind.
    queue: ClassVar[str | None] = None
    #: Alias of the database that its jobs work on; None leaves it to the queue's row.
    database: ClassVar[str | None] = None
    #: How long the file of a job can be downloaded; None is RETENTION_DAYS.
    retention: ClassVar[timedelta | None] = None
    #: How long after it was ordered a job is given to an equal order that asks for `reuse`.
    reusable_for: ClassVar[timedelta] = timedelta(hours=1)

    @property
    def dials(self) -> TypeDefaults:
        """What the class says about dials, all of it at once."""
        return TypeDefaults(database=self.database)

    def may_order(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """Whether `user` may order it and see that it exists."""
        return True
