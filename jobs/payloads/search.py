"""Search terms, to find jobs by the values in their payloads: each value, and each `key=value`, except secrets.

They are in a row of their own, written when the job is submitted or edited: an index on the job itself would be written
again at each of its transitions.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any, Final

from django.utils.crypto import salted_hmac

from jobs.payloads.masking import is_sensitive
from jobs.payloads.sealing import is_sealed, unseal

#: Longer values, and further values of one payload, are not indexed.
LONGEST_TERM: Final = 200
MOST_TERMS: Final = 100

#: Stored terms were made with this salt, so it must not change, even if the module moves.
_SALT: Final = "jobs.search"


def terms_of(kind: str, payload: dict[str, Any], named: Collection[str] = ()) -> list[str]:
    """The terms of a payload, and one that jobs with equal work share. An empty payload has no terms."""
    if not payload:
        return []
    found = dict.fromkeys(term for term in _terms(payload, "", named) if len(term) <= LONGEST_TERM)
    return [same_work_term(kind, payload), *list(found)[: MOST_TERMS - 1]]


def same_work_term(kind: str, payload: dict[str, Any]) -> str:
    """A term that is equal for jobs of one kind with equal payloads, in any order of keys, sealed or not.

    It is a keyed hash: the payload's secrets are part of it, and must not be guessable from it.
    """
    clear = unseal(payload, otherwise=lambda sealed: sealed)
    canonical = json.dumps([kind, _as_stored(clear)], sort_keys=True, separators=(",", ":"))
    return f"={salted_hmac(_SALT, canonical, algorithm='sha256').hexdigest()[:32]}"


def _as_stored(value: Any) -> Any:
    """The value with one form for each number: PostgreSQL returns 1e16 as 10000000000000000."""
    match value:
        case dict():
            return {key: _as_stored(part) for key, part in value.items()}
        case list():
            return [_as_stored(part) for part in value]
        case float() if value.is_integer():
            return int(Decimal(repr(value)))  # int(value) may differ from the digits that were sent
    return value


def term_searched(text: str) -> str:
    """The term to search for, from a person's input, such as `Tokyo`, `2023` or `year=2023`. Case does not matter."""
    return text.strip().casefold()


def _terms(value: Any, key: str, named: Collection[str]) -> Iterator[str]:
    match value:
        case dict() if is_sealed(value):
            pass
        case dict():
            for name, part in value.items():
                if not is_sensitive(name, named):
                    yield from _terms(part, name, named)
        case list():
            for part in value:
                yield from _terms(part, key, named)
        case None | "":
            pass
        case _:
            text = (json.dumps(value) if isinstance(value, bool | int | float) else str(value)).casefold()
            yield text
            yield f"{key.casefold()}={text}"
