"""What is logged of a request."""

import pytest
from axes.models import AccessAttempt
from django.test import Client

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


def address_in(caplog: pytest.LogCaptureFixture) -> str:
    [line] = [record.msg for record in caplog.records if record.name.startswith("django_structlog")]
    assert isinstance(line, dict)
    return str(line["ip"])
