"""The catalogue of error codes: what the code emits, docs/api.md, and `/api/errors`."""

import ast
import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from config.stack.datafolder import BASE_DIR
from jobs.error_codes import ErrorCode, Retry, Source, error_codes, register_error_codes
from jobs.http.problems import problem_body
from tests.support.emitted_codes import codes_in, emitted_codes, unexplained

#: | `code` | status | when | what to do | retry |
ROW = re.compile(r"^\| `(?P<code>[a-z-]+)` \| (?P<status>\d{3}) \| .{10,} \| .{5,} \| .{2,} \|$", re.MULTILINE)
API = BASE_DIR / "docs" / "api.md"


@pytest.mark.slow
def test_the_catalogue_has_every_code_that_is_emitted_and_no_other() -> None:
    rows = {(row["code"], int(row["status"])) for row in ROW.finditer(API.read_text())}
    emitted = {(one.code, one.status or (422 if one.permanent else 500)) for one in emitted_codes()}
    assert rows == emitted
    assert unexplained() == []


def test_the_documented_catalogue_is_that_of_the_code(tmp_path: Path) -> None:
    call_command("error_codes", check=API)
    outdated = tmp_path / "api.md"
    outdated.write_text(API.read_text().replace("| `not-ready` | 409 |", "| `not-ready` | 410 |"))
    with pytest.raises(CommandError, match="out of date"):
        call_command("error_codes", check=outdated)
    call_command("error_codes", write=outdated)
    assert outdated.read_text() == API.read_text()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('raise ProblemError(409, "not-ready", "…")', {("not-ready", 409, None)}),
        ('raise ProblemError(503, "a-b" if x else "c-d", "…")', {("a-b", 503, None), ("c-d", 503, None)}),
        ('return 422, "key-reused", str(error), {}', {("key-reused", 422, None)}),
        ('raise PermanentError("…", code="too-wide")', {("too-wide", None, True)}),
        ('Failure(permanent=False, code="too-slow", detail="…")', {("too-slow", None, False)}),
        ('class E(APIException):\n  status_code = 418\n  default_code = "teapot"', {("teapot", 418, None)}),
        ('def f(*, code: str = "by-default"): ...', {("by-default", None, True)}),
        ("raise ProblemError(422, error.code, str(error))", set()),
    ],
)
def test_a_code_is_found_where_it_is_emitted(source: str, found: set[tuple[str, int | None, bool | None]]) -> None:
    assert {(one.code, one.status, one.permanent) for one in codes_in(ast.parse(source), "x.py")} == found


def test_a_computed_code_is_refused() -> None:
    with pytest.raises(ValueError, match=r"x.py:1: the code f'no-\{x\}' is computed"):
        list(codes_in(ast.parse("ProblemError(404, f'no-{x}', '…')"), "x.py"))


def test_a_code_means_one_thing() -> None:
    other = ErrorCode("not-found", 404, "Else", "Something else is meant.", "Nothing.", Retry.NO)
    with pytest.raises(ValueError, match="not-found is registered twice"):
        register_error_codes(Source.RESPONSE, [other])


@pytest.mark.django_db
def test_the_type_of_a_problem_is_a_row_of_the_page(client: Client) -> None:
    page = client.get(reverse("error-codes")).content.decode()
    for known in (*error_codes(Source.RESPONSE), *error_codes(Source.JOB)):
        body = problem_body(known.status, known.code, "…")
        path, _, anchor = body["type"].partition("#")
        assert (path, body["title"]) == (reverse("error-codes"), known.title)
        assert page.count(f'id="{anchor}"') == 1
    assert "<code>Retry-After</code>" in page


def test_a_code_of_another_app_has_a_title_all_the_same() -> None:
    assert problem_body(422, "too-many-colours", "…")["title"] == "Unprocessable Entity"
