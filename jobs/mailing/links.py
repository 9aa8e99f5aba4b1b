"""Links in mails: absolute, and lasting."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings


def absolute_url(path: str) -> str:
    """The path of a page as a URL of this service."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}"


def public_host() -> str:
    """The name of this service's host, for the ids of mails."""
    return urlsplit(settings.PUBLIC_URL).hostname or "localhost"


def is_public_url(url: str) -> bool:
    """Whether links can start with this URL: it names a scheme and a host, and has no query."""
    parts = urlsplit(url)
    return parts.scheme in ("https", "http") and bool(parts.hostname) and not parts.query and not parts.fragment
