"""What is logged of a request."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_a_request_is_one_line_that_says_what_program_asked_and_what_came_of_it(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.get("/livez?x=1", headers={"User-Agent": "curl/8"})
    [line] = [str(record.msg) for record in caplog.records if record.name.startswith("django_structlog")]
    for part in ("'event': 'request_finished'", "'request': 'GET /livez?x=1'", "'code': 200", "'user_agent': 'curl/8'"):
        assert part in line
