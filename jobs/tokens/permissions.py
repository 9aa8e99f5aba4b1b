"""DRF's hook for scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from jobs.http.problems import ProblemError
from jobs.tokens.scopes import may, token_of

if TYPE_CHECKING:
    from rest_framework.views import APIView


class HasScope(BasePermission):
    """The view's `scopes` names the scopes that each method needs; no token may use a method that it does not name."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Raises ProblemError (403) naming a scope that the token lacks."""
        method = str(request.method)
        if request.auth is not None and hasattr(view, method.lower()):  # an unsupported method gets 405 instead
            require_scopes(request, *scopes_needed(view, method))
        return True


def scopes_needed(view: Any, method: str) -> tuple[str, ...]:
    """The view's `scopes` for a method; if it names none, the empty scope, which every token lacks."""
    named = getattr(view, "scopes", {}).get("GET" if method == "HEAD" else method, "")
    return (named,) if isinstance(named, str) else named or ()


def require_scopes(request: Request, *scopes: str) -> None:
    """Raise ProblemError (403) if the token of the request lacks one of the scopes (RFC 6750 section 3.1)."""
    lacking = next((scope for scope in scopes if not may(token_of(request), scope)), None)
    if lacking is None:
        return
    raise ProblemError(
        403,
        "insufficient-scope",
        f"This token lacks the scope {lacking}." if lacking else "This cannot be done with a token.",
        headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{" ".join(scopes)}"'},
    )
