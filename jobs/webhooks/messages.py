"""The payload of a delivery: the message, its URL, and the host, by which staff search."""

from __future__ import annotations

from typing import Any

from uuid_utils.compat import uuid7

from jobs.outbound.urls import host_of


def new_payload(
    *, url: str, event: str, at: str | None, data: dict[str, Any], job: str | None = None
) -> dict[str, Any]:
    """A message with a new id to `url`, which must be canonical. `at` is ISO 8601; `job` is the id of the ended job.

    The staff must not see the URL, so the payload has the host, too.
    """
    return {
        "job": job,
        "url": url,
        "host": host_of(url),
        "message": f"msg_{uuid7().hex}",
        "body": {"type": event, "timestamp": at, "data": data},
    }
