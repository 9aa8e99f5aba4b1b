"""DRF's hook for the request limit per minute of a token, or of a user in sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from jobs.http.limits import Limit, count_request
from jobs.tokens.beside import beside_of
from jobs.tokens.scopes import token_of

if TYPE_CHECKING:
    from rest_framework.views import APIView

WINDOW_SECONDS = 60


class RequestThrottle(BaseThrottle):
    """The token's own limit, else API_REQUESTS_PER_MINUTE; 0 is no limit. Adds it to the view's `limits`."""

    limit: Limit | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count the request; allow it if Redis cannot count."""
        token = token_of(request)
        quota = (token and token.requests_per_minute) or settings.API_REQUESTS_PER_MINUTE
        if not quota or not request.user.is_authenticated:
            return True
        client, beside = client_of(request), beside_of(view)
        poll = f"{beside.poll}:{client}" if beside and beside.poll else ""
        counted = count_request(client, quota=quota, window_seconds=WINDOW_SECONDS, poll=poll)
        if counted is None:
            return True
        if beside and poll:
            beside.was_asked, beside.early = True, counted.early
        self.limit = counted.limit
        getattr(view, "limits", []).append(self.limit)
        return counted.allowed

    def wait(self) -> float | None:
        """Seconds until the next request is allowed."""
        return self.limit.retry_after if self.limit else None


def client_of(request: Request) -> str:
    """The client as a key for its counters: the id of a token, or of a user in a browser."""
    token = token_of(request)
    return f"token:{token.id}" if token else f"user:{request.user.pk}"
