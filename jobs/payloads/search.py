"""Find jobs by the values in their payloads: each value is a term, and each `key=value`.

The terms are a row beside the job's, written once, when it is submitted or edited: an index on the job itself would
be written anew at each step of its way. Secrets are no terms.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any, Final

from django.utils.crypto import salted_hmac

from jobs.payloads.masking import is_sensitive
from jobs.payloads.sealing import is_sealed, unseal

#: Longer values are not found, nor more of one payload.
LONGEST_TERM: Final = 200
MOST_TERMS: Final = 100

#: Stored terms are made with it, so it stays as it is, wherever this module goes.
_SALT: Final = "jobs.search"


def terms_of(kind: str, payload: dict[str, Any], named: Collection[str] = ()) -> list[str]:
    """The terms of a payload, and one that is the same for equal work; none for an empty payload."""
    if not payload:
        return []
    found = dict.fromkeys(term for term in _terms(payload, "", named) if len(term) <= LONGEST_TERM)
    return [same_work_term(kind, payload), *list(found)[: MOST_TERMS - 1]]


def same_work_term(kind: str, payload: dict[str, Any]) -> str:
    """Equal for jobs of one kind with equal payloads, whatever the order of their keys, sealed or not.

    Keyed, because the secrets of the payload are part of it: nobody shall be able to try them out.
    """
    clear = unseal(payload, otherwise=lambda sealed: sealed)
    canonical = json.dumps([kind, _as_stored(clear)], sort_keys=True, separators=(",", ":"))
    return f"={salted_hmac(_SALT, canonical, algorithm='sha256').hexdigest()[:32]}"


def _as_stored(value: Any) -> Any:
    """With one way to write a number: PostgreSQL gives 1e16 back as 10000000000000000."""
    match value:
        case dict():
            return {key: _as_stored(part) for key, part in value.items()}
        case list():
            return [_as_stored(part) for part in value]
        case float() if value.is_integer():
            return int(Decimal(repr(value)))  # the digits that were sent, where a float has none of its own
    return value


def term_searched(text: str) -> str:
    """The term that a person means: `Tokyo`, `2023` or `year=2023`. Case does not matter."""
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
