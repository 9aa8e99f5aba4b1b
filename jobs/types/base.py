"""The base class of the types of every kind, such as report types, upload types and call types."""

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
    """For a type without parameters."""


class JobType:
    """One type of jobs of a kind. Developers subclass the kind's own subclass and register it.

    All threads share one instance: keep no state in it.
    """

    #: The name in URLs and orders: lower-case letters, digits, hyphens.
    identifier: ClassVar[str]
    title: ClassVar[_StrOrPromise]
    description: ClassVar[_StrOrPromise] = ""
    #: The heading under which the pages list the type.
    group: ClassVar[_StrOrPromise] = ""
    #: A plain DRF serializer that validates the user's choices.
    Parameters: ClassVar[type[serializers.Serializer[Any]]] = NoParameters
    #: Parameters that are secret although their names do not suggest it: masked on staff pages and in errors.
    sensitive: ClassVar[Collection[str]] = ()
    #: Queue of the orders; None: the kind's queue.
    queue: ClassVar[str | None] = None
    #: Alias of the database that the jobs use; None: the queue's setting.
    database: ClassVar[str | None] = None
    #: How long the file of a job can be downloaded; None: RETENTION_DAYS.
    retention: ClassVar[timedelta | None] = None
    #: How long after its order a job can serve an equal order with `reuse`.
    reusable_for: ClassVar[timedelta] = timedelta(hours=1)

    @property
    def dials(self) -> TypeDefaults:
        """The dials that the class sets."""
        return TypeDefaults(database=self.database)

    def may_order(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """Whether `user` may order the type and see that it exists."""
        return True
