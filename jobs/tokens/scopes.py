"""Scopes: what a token may do. Kinds declare the scopes of their jobs; apps register those of other resources."""

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
    """Register scopes that belong to no kind of job: `resource:act` → what it allows, in words."""
    _scopes.update(scopes)


def known_scopes() -> dict[str, _StrOrPromise]:
    """All scopes, sorted by name."""
    return dict(sorted({**_scopes, **scopes_of_kinds()}.items()))


def token_of(request: Request) -> ApiToken | None:
    """The token of a request; None in a session."""
    return cast("ApiToken | None", request.auth)


def grantable(token: ApiToken | None) -> Collection[str]:
    """The scopes that a new token may get: all in a session, else those of the issuing token."""
    return known_scopes() if token is None else [scope for scope in known_scopes() if may(token, scope)]


def may(token: ApiToken | None, scope: str) -> bool:
    """Whether a request with this token has the scope. None is a session, which has all scopes."""
    return token is None or scope in token.scopes or ALL_SCOPES in token.scopes
