"""The sections of the main navigation. Each kind with pages registers its own, in `AppConfig.ready`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

_sections: dict[str, _StrOrPromise] = {}
_last: dict[str, _StrOrPromise] = {}


def register_sections(sections: Mapping[str, _StrOrPromise], *, last: bool = False) -> None:
    """Add links to the navigation: name of the path → label. The very first link is the start page.

    Those that are `last` stand behind all others: they are about every kind.
    """
    (_last if last else _sections).update(sections)


def sections() -> dict[str, _StrOrPromise]:
    """All sections, in the order of their registration."""
    return {**_sections, **_last}
