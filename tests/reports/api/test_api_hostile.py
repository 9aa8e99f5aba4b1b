"""Input that is made to hurt: each is a 4xx problem, and the server goes on."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from jobs.api.download import content_disposition
from jobs.models import Job
from reports.types import ReportType
from tests.support.ordering import ORDER, post
from tests.support.tokens import bearer_of

pytestmark = pytest.mark.django_db

#: The classes of https://github.com/minimaxir/big-list-of-naughty-strings, a few of each.
NAUGHTY = [
    "undefined", "null", "NaN", "-0", "1e309", "0x0", "1/0", "١٢٣", "9" * 400, "--help", "$HOME", "`ls`",
    ",./;'[]\\-=", "<>?:\"{}|_+", "!@#$%^&*()`~", "\x01\x02\x1f\x7f", "\x80\x9f", "\ufeff", "\ufffe", "\u2028\u2029",
    "Ω≈ç√∫˜µ≤≥÷", "⁰⁴⁵₀₁₂", "ด้้้้้็็็็็้้้้้็็็็็้้้้้้้้็็็็็", "'", '"', "''''", "田中さんにあげて下さい", "社會科學院語學研究所",
    "ﾟ･✿ヾ╲(｡◕‿◕｡)╱✿･ﾟ", "😍", "👩🏽‍👨🏿‍👧🏻", "🇺🇸🇷🇺🇸", "１２３", "ﷺ", "הָיְתָהtestالصفحات", "\u202atest\u202a", "Ṱ̺̺̕o͞ ̷i̲̬͇̪͙n̝̗͕v̟̜̘̦͟o̶̙̰̠kè͚̮̺̪̹̱̤",
    "˙ɐnbᴉlɐ", "<script>alert(1)</script>", "&lt;img src=x onerror=alert(1)&gt;", "javascript:alert(1)",
    "1;DROP TABLE jobs_job", "' OR 1=1 -- 1", "%", "_", "${jndi:ldap://x}", "{{ 7 * 7 }}", "{% debug %}",
    "../../../../etc/passwd%00", "CON", "a\r\nSet-Cookie: x=1",
    "System(\"ls\")", "eval(\"1\")", "() { 0; }; touch /tmp/x", "=cmd|' /C calc'!A0", "%s%n%x",
    "a" * 5000, "If you're reading this", "\U0010ffff", "İı", "ﬁ", "K",
]  # fmt: skip


@pytest.fixture
def text_type(report_types: dict[str, ReportType], report_of: Any) -> str:
    """A report type that takes any text."""
    made: str = report_of("SELECT 1 AS one")
    return made


@pytest.mark.slow
def test_a_naughty_text_is_kept_as_it_is_or_refused(api: APIClient, text_type: str) -> None:
    kept = 0
    for text in NAUGHTY:
        answer = post(api, {"reportType": text_type, "parameters": {"value": text}})
        if answer.status_code == 202:
            kept += 1
            assert api.get(f"/api/reports/{answer.json()['id']}").json()["parameters"] == {"value": text}
        else:
            assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), text
    assert kept > len(NAUGHTY) - 5


@pytest.mark.slow
@pytest.mark.parametrize("place", ["reportType", "encoding", "Idempotency-Key", "query", "cursor", "path", "token"])
def test_a_naughty_text_elsewhere_is_a_problem(place: str, api: APIClient) -> None:
    for text in NAUGHTY:
        match place:
            case "reportType":
                answer = post(api, {"reportType": text})
            case "encoding":
                answer = post(api, {**ORDER, "csv": {"encoding": text}})
            case "Idempotency-Key":
                answer = post(api, ORDER, headers={"Idempotency-Key": text.encode().decode("latin-1")})
            case "query":
                answer = api.get("/api/reports", {"status": text})
            case "cursor":
                answer = api.get("/api/reports", {"cursor": text})
            case "path":
                answer = api.get(f"/api/reports/x{text.encode().hex()}/{text}")
            case _:
                answer = api.post("/api/tokens", {"name": "x", "scopes": [text]}, format="json")
        assert answer.status_code < 500, text
        assert answer.status_code < 300 or answer["Content-Type"] == "application/problem+json", text
        assert answer.status_code >= 400 or place in ("Idempotency-Key", "cursor"), text


def test_no_file_name_becomes_a_header(api: APIClient) -> None:
    for text in NAUGHTY:
        header = content_disposition(text)
        assert header.isascii()
        assert header.isprintable()
        assert header.count('"') == 2


@pytest.mark.django_db(transaction=True)
def test_requests_that_no_library_would_send(owner: User, live_url: str) -> None:
    order = json.dumps(ORDER).encode()
    utf_16 = order.decode().encode("utf-16")
    cases: list[tuple[int, dict[str, str], bytes]] = [
        (400, {}, b""),
        (400, {}, b"\x00"),
        (400, {}, b'{"reportType": "a\x00b"}'),
        (400, {}, b'{"reportType": "x", "reportType": "y"}'),
        (400, {}, b"[" * 500_000),
        (400, {}, b'{"a":' * 90_000 + b"1" + b"}" * 90_000),
        (400, {}, b'{"parameters": {"year": 1' + b"0" * 5000 + b"}}"),
        (400, {}, b'{"parameters": {"year": 1e999}, "reportType": "yearly-sales"}'),
        (400, {}, utf_16),
        (400, {}, '{"reportType": "\udcff"}'.encode("utf-8", "surrogateescape")),
        (413, {}, b'{"reportType": "' + b"x" * (1024 * 1024) + b'"}'),
        (415, {"Content-Type": "application/json; charset=utf-16"}, utf_16),
        (415, {"Content-Type": "text/plain"}, order),
        (415, {"Content-Type": "application/x-www-form-urlencoded"}, b"reportType=yearly-sales"),
        (415, {"Content-Type": "multipart/form-data; boundary=x"}, b"--x--"),
        (415, {"Content-Type": "\xff/\xfe"}, order),
        (415, {"Content-Encoding": "gzip"}, b"\x1f\x8b"),
        (411, {"Transfer-Encoding": "chunked"}, b"0\r\n\r\n"),
        (401, {"Authorization": "Bearer \xff\xfe"}, order),
        (400, {"Idempotency-Key": "\xff"}, order),
    ]
    address = urlsplit(live_url)
    bearer = bearer_of(owner)
    for status, headers, body in cases:
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)
        length = {} if "Transfer-Encoding" in headers else {"Content-Length": str(len(body))}
        usual = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
        connection.request("POST", "/api/reports", body=body, headers={**usual, **length, **headers})
        answer = connection.getresponse()
        problem = json.loads(answer.read())
        assert (answer.status, problem["status"]) == (status, status), (headers, body[:60], problem)
        assert answer.headers["Content-Type"] == "application/problem+json"
        connection.close()
    assert not Job.objects.exists()
