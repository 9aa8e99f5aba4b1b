"""Further panels of the start page, such as the next runs of schedules. Other rooms and apps register them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

    from jobs.pages.signed_in import SignedInRequest

#: Renders a `<section class="card">` with a heading of level 2; empty if the user has nothing there.
Panel = Callable[["SignedInRequest"], "SafeString | str"]

_panels: Final[list[Panel]] = []


def register_home_panel(panel: Panel) -> None:
    """Show a panel on the start page, in the order of registration. Call it from `AppConfig.ready`.

    It is rendered when the page loads, but not when the page refreshes itself. Keep its queries few and constant.
    """
    if panel not in _panels:
        _panels.append(panel)


def home_panels(request: SignedInRequest) -> list[SafeString | str]:
    """The panels with content."""
    return [shown for panel in _panels if (shown := panel(request))]
