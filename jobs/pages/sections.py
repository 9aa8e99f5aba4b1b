"""The sections of the main navigation. Each kind with pages registers its own, in `AppConfig.ready`."""

from __future__ import annotations

from collections.abc import Mapping

_sections: dict[str, str] = {}


def register_sections(sections: Mapping[str, str]) -> None:
    """Add links to the navigation: name of the path → label. The very first link is the start page."""
    _sections.update(sections)


def sections() -> dict[str, str]:
    """All sections, in the order of their registration."""
    return dict(_sections)
