"""Sealing: secrets in stored payloads are encrypted.

A sealed value is `{"$encrypted": "…"}` in the place of the secret: a Fernet token of its JSON. The keys are derived
from SECRET_KEY and SECRET_KEY_FALLBACKS. An object of that shape that a user sends is itself sealed, as a value.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from jobs.errors import SecretUnreadableError

SEALED: Final = "$encrypted"
_PURPOSE: Final = b"longhaul: secrets in payloads"


def seal(value: Any, is_secret: Callable[[str], bool]) -> Any:
    """A copy of a JSON value with nothing sealed yet, in which the values of secret keys are sealed, except None."""
    match value:
        case dict() if is_sealed(value):
            return _sealed(value)
        case dict():
            return {
                key: _sealed(part) if part is not None and is_secret(key) else seal(part, is_secret)
                for key, part in value.items()
            }
        case list():
            return [seal(part, is_secret) for part in value]
    return value


def unseal(value: Any, *, otherwise: Callable[[Any], Any] | None = None) -> Any:
    """A copy of a stored JSON value with its secrets in clear.

    A secret that no key decrypts is replaced by `otherwise(sealed value)`; without it, raises SecretUnreadableError.
    """
    match value:
        case dict() if is_sealed(value):
            try:
                return json.loads(_keys().decrypt(value[SEALED]))
            except (InvalidToken, ValueError):
                if otherwise is None:
                    raise SecretUnreadableError from None
                return otherwise(value)
        case dict():
            return {key: unseal(part, otherwise=otherwise) for key, part in value.items()}
        case list():
            return [unseal(part, otherwise=otherwise) for part in value]
    return value


def is_sealed(value: Any) -> bool:
    """Whether a stored value is a sealed secret."""
    return isinstance(value, dict) and value.keys() == {SEALED} and isinstance(value[SEALED], str)


def count_sealed(value: Any) -> int:
    """How many secrets in a stored JSON value are sealed."""
    match value:
        case dict() if is_sealed(value):
            return 1
        case dict():
            return sum(count_sealed(part) for part in value.values())
        case list():
            return sum(count_sealed(part) for part in value)
    return 0


def is_out_of_date(value: Any, is_secret: Callable[[str], bool]) -> bool:
    """Whether a stored JSON value contains a secret in clear, or one that was sealed with a former key."""
    match value:
        case dict() if is_sealed(value):
            return not _opens(value[SEALED])
        case dict():
            return any(
                (is_secret(key) and part is not None and not is_sealed(part)) or is_out_of_date(part, is_secret)
                for key, part in value.items()
            )
        case list():
            return any(is_out_of_date(part, is_secret) for part in value)
    return False


def _sealed(value: Any) -> dict[str, str]:
    return {SEALED: _keys().encrypt(json.dumps(value).encode()).decode()}


def _opens(token: str) -> bool:
    try:
        _fernet(settings.SECRET_KEY).decrypt(token)
    except InvalidToken:
        return False
    return True


def _keys() -> MultiFernet:
    """All keys: the first one encrypts, and each one is tried to decrypt."""
    return MultiFernet([_fernet(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


@lru_cache(maxsize=16)
def _fernet(secret_key: str) -> Fernet:
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
