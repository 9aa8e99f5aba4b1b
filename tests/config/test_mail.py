"""EMAIL_URL as Django's settings."""

from typing import Any

import environ
import pytest

from config.mail import mail_settings


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "smtp+tls://ada:se%2Fcret@mail.example.org",
            {"BACKEND": "jobs.mailing.smtp.Backend", "HOST": "mail.example.org", "PORT": 587, "HOST_USER": "ada",
             "HOST_PASSWORD": "se/cret", "USE_TLS": True},
        ),
        (
            "smtp+ssl://mail.example.org",
            {"BACKEND": "jobs.mailing.smtp.Backend", "HOST": "mail.example.org", "PORT": 465, "USE_SSL": True},
        ),
        ("smtp://localhost:1025", {"BACKEND": "jobs.mailing.smtp.Backend", "HOST": "localhost", "PORT": 1025}),
        ("consolemail://", {"BACKEND": "django.core.mail.backends.console.EmailBackend"}),
    ],
)  # fmt: skip
def test_each_scheme(url: str, expected: dict[str, Any]) -> None:
    found = mail_settings(environ.Env.email_url_config(url))
    assert {name.removeprefix("EMAIL_"): value for name, value in found.items() if value != ""} == expected
