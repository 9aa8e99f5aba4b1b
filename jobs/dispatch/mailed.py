"""Which jobs are of interest for mail: those of kinds whose jobs have a page, if the server sends mail at all."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.conf import settings

from jobs.kinds import Kind, get_kind, kind_names

_ANY_ID: Final = UUID(int=0)


def is_mailed(kind: Kind) -> bool:
    """Whether owners may get mail about jobs of this kind."""
    return settings.MAIL_IS_ON and kind.url_of_page(_ANY_ID) is not None


def mailed_kinds() -> list[str]:
    """The names of these kinds; empty if the server sends no mail."""
    return [name for name in kind_names() if is_mailed(get_kind(name))] if settings.MAIL_IS_ON else []
