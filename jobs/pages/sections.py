"""The sections of the main navigation. Each kind with pages registers its own, in `AppConfig.ready`."""

from __future__ import annotations

from collections.abc import Mapping

_sections: dict[str, str] = {}


def register_sections(sections: Mapping[str, str]) -> None:
    """Add links to the navigation: name of the path, and label. The first one of all is the start page."""
    _sections.update(sections)


def sections() -> dict[str, str]:
    """All of them, in the order in which they were registered."""
    return dict(_sections)
