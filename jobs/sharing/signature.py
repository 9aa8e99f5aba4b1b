"""The token in the address of a link: its id, and a signature that only this installation can make."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.core.signing import BadSignature, Signer

from jobs.models import ShareLink

#: Keeps other texts that SECRET_KEY signs from being accepted as links.
SALT: Final = "jobs.sharing.link"
#: Stands between the id and the signature.
SEPARATOR: Final = "."


def token_of(link: ShareLink) -> str:
    """The token. It is the same each time until SECRET_KEY changes; SECRET_KEY_FALLBACKS keep older ones valid."""
    return _signer().sign(link.pk.hex)


def read_token(token: str) -> UUID | None:
    """The id of the link; None if the signature is not ours. No query."""
    try:
        return UUID(_signer().unsign(token))
    except (BadSignature, ValueError):
        return None


def _signer() -> Signer:
    return Signer(salt=SALT, sep=SEPARATOR)
