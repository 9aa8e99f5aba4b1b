"""Secrets in payloads: recognize them, mask them on staff pages, and keep them when a masked payload is edited.

A value is secret if its key sounds like it (`password`, `api_key`, …), if the job's kind names the key
(`jobs.inspection.Inspector.sensitive_names`), if it is below such a key, or if it is sealed (`jobs.payloads.sealing`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, Final

from jobs.payloads.sealing import is_sealed, unseal

MASK: Final = "***"

#: The value of a key that contains one of these words is secret. A part of regular expressions.
SENSITIVE: Final = "passw(?:or)?d|passphrase|secret|token|api[_-]?key|private[_-]?key|credential|authorization|cookie"
#: Shorter secrets are not masked in texts, which contain them by chance too often. Characters.
SHORTEST_SECRET: Final = 4

_SECRET_NAME = re.compile(f"(?i){SENSITIVE}")


def is_sensitive(name: str, named: Collection[str] = ()) -> bool:
    """Whether the value of a key must be masked. `named` are the keys that the kind adds."""
    return name in named or _SECRET_NAME.search(name) is not None


def mask(value: Any, named: Collection[str] = ()) -> Any:
    """A copy of a JSON value with `***` in place of each secret, sealed or not."""
    match value:
        case dict() if is_sealed(value):
            return MASK
        case dict():
            return {key: MASK if is_sensitive(key, named) else mask(part, named) for key, part in value.items()}
        case list():
            return [mask(part, named) for part in value]
    return value


def unmask(edited: Any, stored: Any, named: Collection[str] = ()) -> Any:
    """`edited` with each `***` replaced by the secret at its place in `stored`, in clear.

    Some masks stay, and `masks_left` finds them: a secret that cannot be decrypted, and a sealed one whose key is no
    longer sensitive, which would be stored in clear.
    """
    match edited, stored:
        case str(), dict() if edited == MASK and is_sealed(stored):
            clear = _in_clear(stored)
            return clear if is_sealed(clear) else MASK  # a value of that shape is always sealed when it is stored
        case dict(), dict():
            return {
                key: _in_clear(stored[key])
                if part == MASK and key in stored and is_sensitive(key, named)
                else unmask(part, stored.get(key), named)
                for key, part in edited.items()
            }
        case list(), list() if edited == mask(stored, named):
            # In a list that was changed, it is unknown which secret belongs where.
            return [unmask(part, before, named) for part, before in zip(edited, stored, strict=True)]
    return edited


def masks_left(value: Any, stored: Any, named: Collection[str] = (), path: str = "") -> Iterator[str]:
    """JSON pointers (RFC 6901) to secrets that are still `***` in `value`, and must be entered again."""
    match value:
        case dict():
            for key, part in value.items():
                before = stored.get(key) if isinstance(stored, dict) else None
                if part == MASK and (is_sensitive(key, named) or is_sealed(before)):
                    yield f"{path}/{key}"
                else:
                    yield from masks_left(part, before, named, f"{path}/{key}")
        case list():
            befores = stored if isinstance(stored, list) else []
            for index, part in enumerate(value):
                if part == MASK and any(map(is_sealed, befores)):
                    yield f"{path}/{index}"
                else:
                    before = befores[index] if index < len(befores) else None
                    yield from masks_left(part, before, named, f"{path}/{index}")


def _in_clear(stored: Any) -> Any:
    return unseal(stored, otherwise=lambda _: MASK)


def secrets_in(value: Any, named: Collection[str] = ()) -> set[str]:
    """The secrets as texts, so that they can be masked in messages that quote them."""
    return {text for text in _secret_texts(value, named) if len(text) >= SHORTEST_SECRET}


def _secret_texts(value: Any, named: Collection[str], *, below_secret: bool = False) -> Iterator[str]:
    match value:
        case dict() if is_sealed(value):
            yield from _secret_texts(unseal(value, otherwise=lambda _: None), named, below_secret=True)
        case dict():
            for key, part in value.items():
                yield from _secret_texts(part, named, below_secret=below_secret or is_sensitive(key, named))
        case list():
            for part in value:
                yield from _secret_texts(part, named, below_secret=below_secret)
        case bool() | None:
            pass
        case _ if below_secret:
            yield str(value)
