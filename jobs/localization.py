"""Language, time zone and number format of what a user reads: a page, or a mail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import tzinfo
from functools import cache
from zoneinfo import available_timezones

from django.utils import timezone, translation

from jobs.models import Preferences
from jobs.numbers import current_format
from tabular.sentences import Sentence


@contextmanager
def localized(language: str, zone: tzinfo, number_format: str) -> Iterator[None]:
    """Texts, times and numbers are formatted like this within the block."""
    token = current_format.set(number_format)
    try:
        with translation.override(language), timezone.override(zone):
            yield
    finally:
        current_format.reset(token)


def translated(text: str) -> str:
    """A text of the API, which is English, in the active language if the catalog has it.

    Such a text is marked with `gettext_noop` where it stands.
    """
    if isinstance(text, Sentence):
        return text.said(translation.gettext)
    return translation.gettext(text) if text else ""


def preferences_of(user_id: int) -> Preferences:
    """The preferences of a user; unsaved defaults if there are none. One query."""
    return Preferences.objects.filter(user=user_id).first() or Preferences(user_id=user_id)


@cache
def time_zones() -> frozenset[str]:
    """The names of all time zones of IANA's database."""
    return frozenset(available_timezones())
