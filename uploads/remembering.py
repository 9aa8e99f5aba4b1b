"""How a user's files call the columns of a type: kept from orders, and offered for the next file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tabular.headings import normalize
from uploads.headings import Headings
from uploads.models import RememberedHeading

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: Headings of a user and a type that are kept; beyond them nothing new is.
MOST_REMEMBERED: Final = 1000


def remembered_headings(owner: AbstractBaseUser, upload_type: str) -> dict[str, str | None]:
    """Heading, as `normalize` makes it → heading of the type's column; None for a column to ignore. One query."""
    mine = RememberedHeading.objects.filter(owner=owner.pk, upload_type=upload_type)
    return {heading: column or None for heading, column in mine.values_list("heading", "column")}


def remember_headings(owner: AbstractBaseUser, upload_type: str, headings: Headings) -> None:
    """Keep the headings of an order. What was kept for the same headings is replaced."""
    known = remembered_headings(owner, upload_type)
    chosen = {normalize(heading): column for heading, column in headings.items()}
    new = [
        RememberedHeading(owner_id=owner.pk, upload_type=upload_type, heading=heading, column=column or "")
        for heading, column in chosen.items()
        if heading and (heading not in known or known[heading] != column)
    ]
    room = MOST_REMEMBERED - len(known)
    RememberedHeading.objects.bulk_create(
        [one for one in new if one.heading in known or (room := room - 1) >= 0],
        update_conflicts=True,
        unique_fields=["owner", "upload_type", "heading"],
        update_fields=["column"],
    )
