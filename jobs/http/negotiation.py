"""Content negotiation for resources with a single representation."""

from collections.abc import Iterable

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class OneRepresentation(DefaultContentNegotiation):
    """Ignores `Accept`, as RFC 9110 section 12.5.1 allows: a request for a CSV as `text/csv` must not get 406."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The only renderer of the view."""
        only = next(iter(renderers))
        return only, only.media_type or ""
