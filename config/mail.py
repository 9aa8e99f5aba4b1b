"""Django's settings of mail from EMAIL_URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: The backend of Django, and ours, which says when it begins to hand a mail over.
SMTP: Final = "django.core.mail.backends.smtp.EmailBackend"
OWN_SMTP: Final = "jobs.mailing.smtp.Backend"
#: The ports of mail submission (RFC 8314), with and without TLS from the first byte.
PORT_OVER_TLS: Final = 465
PORT: Final = 587


def mail_settings(parsed: Mapping[str, Any]) -> dict[str, Any]:
    """`parsed` is what django-environ's `email_url` returns. Members that are None are left to Django's defaults."""
    given = {name: value for name, value in parsed.items() if name.startswith("EMAIL_") and value is not None}
    if given["EMAIL_BACKEND"] == SMTP:
        given["EMAIL_BACKEND"] = OWN_SMTP
        given.setdefault("EMAIL_PORT", PORT_OVER_TLS if given.get("EMAIL_USE_SSL") else PORT)
    return given
