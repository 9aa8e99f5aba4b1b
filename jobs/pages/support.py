"""Whom a user asks for help: SUPPORT_CONTACT, a mail address or the address of a page."""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator, URLValidator

_is_url = URLValidator(schemes=["http", "https"])
_is_mail = EmailValidator()


class Contact(NamedTuple):
    """What a link to it says, and where it leads."""

    label: str
    url: str


def support_contact() -> Contact | None:
    """The contact of the settings; None if there is none. Raises ValidationError if it is neither of the two."""
    contact: str = settings.SUPPORT_CONTACT
    if not contact:
        return None
    try:
        _is_mail(contact)
    except ValidationError:
        _is_url(contact)
        return Contact(contact, contact)
    return Contact(contact, f"mailto:{contact}")
