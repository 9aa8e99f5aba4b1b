"""DRF's hook for scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from jobs.api.problems import ProblemError
from jobs.tokens.scopes import may, token_of

if TYPE_CHECKING:
    from rest_framework.views import APIView


class HasScope(BasePermission):
    """The view says in `scopes` which one each method needs; a method that it does not name is for nobody's token."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Raises ProblemError (403) naming the scope that the token lacks."""
        method = "GET" if request.method == "HEAD" else str(request.method)
        if request.auth is None or not hasattr(view, method.lower()):  # what no view answers to is 405
            return True
        require_scope(request, getattr(view, "scopes", {}).get(method, ""))
        return True


def require_scope(request: Request, scope: str | None) -> None:
    """Raise ProblemError (403) where the token of the request lacks the scope. RFC 6750 section 3.1.

    The empty scope is one that every token lacks, and None one that it need not have.
    """
    if scope is None or may(token_of(request), scope):
        return
    raise ProblemError(
        403,
        "insufficient-scope",
        f"This token lacks the scope {scope}." if scope else "This cannot be done with a token.",
        headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
    )
