"""The payload of a delivery, in one place: what is sent, where to, and what staff find it by."""

from __future__ import annotations

from typing import Any

from uuid_utils.compat import uuid7

from jobs.outbound.urls import host_of


def new_payload(
    *, url: str, event: str, at: str | None, data: dict[str, Any], job: str | None = None
) -> dict[str, Any]:
    """A message with an id of its own to `url`, a canonical one; `at` is ISO 8601, `job` the id of whose end it tells.

    The URL is a secret to the staff, so the host stands beside it.
    """
    return {
        "job": job,
        "url": url,
        "host": host_of(url),
        "message": f"msg_{uuid7().hex}",
        "body": {"type": event, "timestamp": at, "data": data},
    }
