"""Orders that a user has saved under a name, to place them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import translation

from jobs.models import SavedOrder
from jobs.types.base import JobType
from jobs.types.secret_parameters import without_secrets

if TYPE_CHECKING:
    from django.contrib.auth.models import User

#: Saved orders of one user and kind.
MOST_SAVED: Final = 100


class NameTakenError(Exception):
    """The user has another saved order of this name."""


class TooManySavedError(Exception):
    """The user has MOST_SAVED saved orders of this kind."""


def saved_orders(owner: User, *, kind: str) -> QuerySet[SavedOrder]:
    """The saved orders of a user, sorted by name."""
    return SavedOrder.objects.filter(owner=owner, kind=kind).order_by("name", "pk")


def save_order(
    owner: User,
    job_type: JobType,
    order: dict[str, Any],
    *,
    kind: str,
    name: str,
    replaced: int | None = None,
) -> SavedOrder:
    """Save a valid order without its secrets; `replaced` is the id of a saved order that may have the name and changes.

    Raises NameTakenError and TooManySavedError.
    """
    values = {
        "type": job_type.identifier,
        "payload": {**order, "parameters": without_secrets(type(job_type), order["parameters"])},
        "language": translation.get_language() or "",
    }
    mine = saved_orders(owner, kind=kind)
    if replaced is not None and mine.filter(pk=replaced, name=name).update(**values):
        return mine.get(pk=replaced)
    if mine.count() >= MOST_SAVED:
        raise TooManySavedError
    try:
        with transaction.atomic():
            return SavedOrder.objects.create(owner=owner, kind=kind, name=name, **values)
    except IntegrityError:
        raise NameTakenError from None


def rename_saved_order(saved: SavedOrder, *, name: str) -> None:
    """Raises NameTakenError."""
    try:
        with transaction.atomic():
            SavedOrder.objects.filter(pk=saved.pk).update(name=name)
    except IntegrityError:
        raise NameTakenError from None
