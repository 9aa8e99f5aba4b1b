"""`Upload-Metadata`: what a client says about the file and how to treat it."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from django.http import QueryDict

from uploads.api.query import UploadQuery, read_order
from uploads.resumable.fields import invalid_field

FIELD: Final = "Upload-Metadata"
FILENAME: Final = "filename"


def read_metadata(header: str) -> dict[str, str]:
    """Key → value of the keys that are known here. Stock clients send others, such as `filetype`, which are ignored.

    Raises ProblemError (400) if the field is not ASCII, a key is repeated or empty, or a known one has a value that is
    not UTF-8 in base64.
    """
    if not header.isascii():
        raise invalid_field(FIELD, "Send ASCII only: values are in base64.")
    known = {FILENAME, *UploadQuery().fields}
    found: dict[str, str] = {}
    seen: set[str] = set()
    for pair in header.split(",") if header.strip() else ():
        key, _, value = pair.strip().partition(" ")
        if not key or key in seen:
            raise invalid_field(FIELD, "Send pairs of a key and a value in base64, each key once, separated by commas.")
        seen.add(key)
        if key in known:
            found[key] = _decoded(key, value.strip())
    return found


def order_of(metadata: dict[str, str]) -> dict[str, Any]:
    """The order without its file, validated as the query string of `POST /api/uploads` is. Raises ValidationError."""
    query = QueryDict(mutable=True)
    query.update({key: value for key, value in metadata.items() if key != FILENAME})
    return read_order(query)


def _decoded(key: str, value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid_field(FIELD, f"The value of {key} must be UTF-8 in base64.") from None
