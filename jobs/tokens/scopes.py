"""Scopes: what a token may do. A kind names those of its jobs; an app registers those of its other resources."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, cast

from jobs.kinds import ALL_SCOPES, scopes_of_kinds

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise
    from rest_framework.request import Request

    from jobs.models.token import ApiToken

_scopes: dict[str, _StrOrPromise] = {}


def register_scopes(scopes: Mapping[str, _StrOrPromise]) -> None:
    """Make scopes known that belong to no kind of job: `resource:act`, and what it allows, in words."""
    _scopes.update(scopes)


def known_scopes() -> dict[str, _StrOrPromise]:
    """All scopes by name, in order."""
    return dict(sorted({**_scopes, **scopes_of_kinds()}.items()))


def token_of(request: Request) -> ApiToken | None:
    """The token that a request came with; None in a session."""
    return cast("ApiToken | None", request.auth)


def grantable(token: ApiToken | None) -> Collection[str]:
    """The scopes that somebody may give to a new token: all in a session, else those of their own token."""
    return known_scopes() if token is None else [scope for scope in known_scopes() if may(token, scope)]


def may(token: ApiToken | None, scope: str) -> bool:
    """Whether a request with this token has the scope. One without a token is a session: the user's own doing."""
    return token is None or scope in token.scopes or ALL_SCOPES in token.scopes
