"""The kinds that have pages: the start page and the search show the jobs of these."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs.pages.kind_pages import KindPages

_pages: dict[str, KindPages] = {}


def register_pages(pages: KindPages) -> None:
    """Show the jobs of a kind on the start page and in the search. `JobPages.paths` calls this."""
    _pages[pages.resource.kind] = pages


def kinds_with_pages() -> dict[str, KindPages]:
    """Kind → its pages, in the order of the paths."""
    return dict(_pages)
