"""What a view may read, or look at, in the round trips that a request with a token needs anyway.

DRF authenticates and throttles before it calls the view. A view that declares here what it will need next gets it from
the same statement and the same script, and uses it only once the request has been allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.http.limits import Limit


@dataclass
class Beside:
    """One view's wish: `columns` of `joins`, in which `token.user_id` is the user, with these `parameters`.

    `poll` is the question of `jobs.http.limits` that the request asks, without its client; empty: none.
    """

    columns: str
    joins: str
    parameters: Mapping[str, Any]
    poll: str = ""
    #: The row with the columns. None: the user was found otherwise, as in a session.
    row: Mapping[str, Any] | None = field(default=None, init=False)
    #: Whether the bucket of `poll` was looked at, and the limit that one more poll would exceed.
    was_asked: bool = field(default=False, init=False)
    early: Limit | None = field(default=None, init=False)


def beside_of(view: object) -> Beside | None:
    """The wish of a view; most views have none."""
    beside: Beside | None = getattr(view, "beside", None)
    return beside
