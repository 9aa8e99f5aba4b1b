"""Which representation is sent: each resource has one."""

from collections.abc import Iterable

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class OneRepresentation(DefaultContentNegotiation):
    """Ignores `Accept`, as RFC 9110 section 12.5.1 allows: a CSV asked for as `text/csv` must not be a 406."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first one; ours have no second."""
        only = next(iter(renderers))
        return only, only.media_type or ""
