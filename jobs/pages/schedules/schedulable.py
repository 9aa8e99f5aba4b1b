"""The pages of the kinds whose orders can be scheduled. `JobPages.paths` registers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs.pages.order_pages import OrderPages

_schedulable: dict[str, OrderPages] = {}


def register_schedulable(pages: OrderPages) -> None:
    """Offer schedules for the orders of a kind."""
    _schedulable[pages.resource.kind] = pages


def schedulable() -> dict[str, OrderPages]:
    """Name of the kind → its pages."""
    return dict(_schedulable)
