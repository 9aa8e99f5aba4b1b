"""What is kept of an error: enough to understand it, equal for equal ones, and no secrets."""

import json
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from jobs.payloads import redaction
from jobs.payloads.redaction import redact
from jobs.worker import failures
from jobs.worker.failures import FailureRecord, describe_failure, fingerprint


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def test_an_error_is_described_by_class_message_and_traceback() -> None:
    record = describe_failure(raised(ValueError("row 7 is odd")), kind="report")
    assert (record.error_class, record.error_message) == ("ValueError", "row 7 is odd")
    assert record.traceback.startswith("Traceback (most recent call last)")
    assert "in raised" in record.traceback
    assert record.traceback.endswith("ValueError: row 7 is odd\n")
    assert len(record.error_fingerprint) == 16


def test_an_error_that_nobody_raised_has_no_traceback() -> None:
    assert describe_failure(ValueError("x"), kind="report").traceback == ""


def test_the_class_of_another_module_has_its_dotted_name() -> None:
    assert describe_failure(psycopg.OperationalError(), kind="x").error_class == "psycopg.OperationalError"


def test_long_texts_are_cut_where_they_say_least() -> None:
    record = describe_failure(raised(ValueError("it is odd, " * 10_000)), kind="report")
    assert len(record.error_message) == redaction.LONGEST_MESSAGE
    assert record.error_message.startswith("it is odd, it is odd, ")
    assert len(record.traceback) == failures.LONGEST_TRACEBACK
    assert record.traceback.endswith("it is odd, \n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://ada:sesame@db:5432/x is gone", "postgresql://***@db:5432/x is gone"),
        ("redis://:sesame@r/0", "redis://***@r/0"),
        ("GET https://x.test/?api_key=sesame&a=1", "GET https://x.test/?api_key=***&a=1"),
        ("{'password': 'sesame', 'user': 'ada'}", "{'password': '***', 'user': 'ada'}"),
        ('{"client_secret": "sesame"}', '{"client_secret": "***"}'),
        ("Authorization: Bearer sesame.abc", "Authorization: Bearer ***"),
        ("sent 'Bearer sesame1234'", "sent 'Bearer ***'"),
        ("Set-Cookie: sesame", "Set-Cookie: ***"),
        (
            "duplicate key\nDETAIL:  Key (email)=(ada@x.test) already exists.",
            "duplicate key\nDETAIL:  Key (***) already exists.",
        ),
        (
            "null value\nDETAIL:  Failing row contains (7, a (b),\nada@x.test).\nHINT: Write (1).\n",
            "null value\nDETAIL:  Failing row contains (***).\nHINT: Write (1).\n",
        ),
        (
            "DETAIL:  Failing row contains (7,\n\nada@x.test).\n\nThe above exception was the cause of (2)",
            "DETAIL:  Failing row contains (***).\n\nThe above exception was the cause of (2)",
        ),
        ("DETAIL:  Failing row contains (7, and it is cut", "DETAIL:  Failing row contains (***"),
        ("DETAIL: it is 7\nHINT: Write (1).", "DETAIL: it is 7\nHINT: Write (1)."),
        (
            repr(ValueError("null value\nDETAIL:  Failing row contains (7, ada@x.test).")),
            r"ValueError('null value\nDETAIL:  Failing row contains (***)",
        ),
        ("a\x00b \ud800", "a\N{REPLACEMENT CHARACTER}b ?"),
        ("column token_count is missing at line 7", "column token_count is missing at line 7"),
        ("http://localhost:8000/x@y", "http://localhost:8000/x@y"),
    ],
)
def test_secrets_are_masked_and_what_cannot_be_stored_is_replaced(text: str, expected: str) -> None:
    assert redact(text) == expected


def test_the_services_own_secrets_are_masked_wherever_they_stand(settings: Any) -> None:
    redaction._own_secrets.cache_clear()
    settings.SECRET_KEY = "open-sesame"
    settings.SECRET_KEY_FALLBACKS = ["formerly-sesame"]
    settings.REDIS_URL = "redis://:hunter%2B22@r/0"
    try:
        redaction._forms.cache_clear()
        assert redact("<open-sesame> <formerly-sesame> <hunter+22>") == "<***> <***> <***>"
    finally:
        redaction._own_secrets.cache_clear()
        redaction._forms.cache_clear()


def test_equal_failures_have_equal_fingerprints() -> None:
    def fail(number: int) -> BaseException:
        return raised(ValueError(f"row {number} of 'table {number}' has 0xdeadbeef{number}"))

    assert fingerprint(fail(1), kind="report") == fingerprint(fail(22), kind="report")


def test_other_failures_have_other_fingerprints() -> None:
    def elsewhere() -> BaseException:
        try:
            return raised(int("x"))  # type: ignore[arg-type]
        except ValueError as error:
            return error

    prints = [
        fingerprint(raised(ValueError("odd")), kind="report"),
        fingerprint(raised(ValueError("odd")), kind="upload"),
        fingerprint(raised(ValueError("even")), kind="report"),
        fingerprint(raised(TypeError("odd")), kind="report"),
        fingerprint(elsewhere(), kind="report"),
    ]
    assert len(set(prints)) == len(prints)


def test_a_secret_is_no_part_of_a_fingerprint() -> None:
    prints = {
        fingerprint(ValueError(f"refused {secret}"), kind="x", secrets=[secret]) for secret in ("hunter", "swordfish")
    }
    assert len(prints) == 1


def test_however_long_the_text_is_that_a_message_quotes_its_cause_is_one() -> None:
    prints = {fingerprint(ValueError(f"invalid input: '{letter * 5000}' it is"), kind="x") for letter in "ab"}
    assert len(prints) == 1


def test_a_traceback_holds_no_values() -> None:
    password = "sesame"
    assert password not in "".join(traceback.format_exception(raised(ValueError("x"))))
    assert FailureRecord("a", "b", "c", "d").columns() == {
        "error_class": "a", "error_message": "b", "error_fingerprint": "c"
    }  # fmt: skip


def test_a_payloads_secrets_are_masked_wherever_an_error_quotes_them() -> None:
    try:
        raise ValueError("the API refused hunter2 for hunter2-admin")
    except ValueError as error:
        record = describe_failure(error, kind="test", secrets={"hunter2", "hunter2-admin"})
    assert record.error_message == "the API refused *** for ***"
    assert "hunter2" not in record.traceback


@pytest.mark.parametrize("write", [repr, json.dumps, lambda text: json.dumps(text, ensure_ascii=False), quote])
def test_a_secret_is_masked_however_it_is_spelt(write: Callable[[str], str]) -> None:
    key = '-----BEGIN KEY-----\nab"c\\d\u00e9\n-----END KEY-----'
    assert redact(f"refused {write(key)}", [key]).strip("'\"").removeprefix("refused ").strip("'\"") == "***"
