"""What is logged of a request."""

from uuid import UUID

import pytest
import structlog
from axes.models import AccessAttempt
from django.test import Client
from pytest_django import Settings

from config.logs import hide_secret_links, logging_config
from jobs.models import ShareLink
from jobs.sharing.signature import token_of

pytestmark = pytest.mark.django_db


def test_a_request_is_one_line_that_says_what_program_asked_and_what_came_of_it(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.get("/api/errors?x", headers={"User-Agent": "curl/8"})
    [line] = [str(record.msg) for record in caplog.records if record.name.startswith("django_structlog")]
    for part in (
        "'event': 'request_finished'",
        "'request': 'GET /api/errors?x'",
        "'code': 200",
        "'user_agent': 'curl/8'",
    ):
        assert part in line


@pytest.mark.parametrize("field", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP"])
def test_nobody_can_forge_the_address_in_the_log(field: str, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.get("/api/errors", headers={field: "203.0.113.9"}, REMOTE_ADDR="198.51.100.7")
    assert address_in(caplog) == "198.51.100.7"


def test_nobody_can_forge_the_address_that_is_locked_out(client: Client) -> None:
    form = {"username": "ada", "password": "wrong"}
    client.post("/sign-in", form, headers={"X-Forwarded-For": "203.0.113.9"}, REMOTE_ADDR="198.51.100.7")
    assert AccessAttempt.objects.get().ip_address == "198.51.100.7"


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize("tail", ["", "/download"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_share_link_in_the_log_is_of_no_use(
    method: str, tail: str, log_format: str, client: Client, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    settings.SHARE_LINKS = True
    link = ShareLink(pk=UUID("01900000-0000-7000-8000-000000000001"))
    token = token_of(link)
    before = structlog.get_config()
    formatter = logging_config(log_format=log_format, level="INFO")["formatters"]["default"]
    structlog.configure(**before)
    lines = structlog.stdlib.ProcessorFormatter(**{name: value for name, value in formatter.items() if name != "()"})
    getattr(client, method)(f"/shared/{token}{tail}")
    logged = [lines.format(record) for record in caplog.records]
    assert len(logged) == 2, "by django-structlog and by Django"
    for line in logged:
        assert f"/shared/{link.pk.hex}{tail}" in line
        assert token.split(".")[1] not in line


def test_the_token_of_a_password_reset_is_not_logged() -> None:
    line = {"request": "GET /password/reset/MQ/cr0a2b-0123456789abcdef", "path": "/password/reset/MQ/set-password"}
    assert hide_secret_links(None, "info", dict(line)) == {
        "request": "GET /password/reset/MQ/…", "path": "/password/reset/MQ/…"
    }  # fmt: skip


def address_in(caplog: pytest.LogCaptureFixture) -> str:
    [line] = [record.msg for record in caplog.records if record.name.startswith("django_structlog")]
    assert isinstance(line, dict)
    return str(line["ip"])
