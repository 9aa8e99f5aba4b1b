"""Secrets are found in texts of any length and any shape, in a time that is as long as the text."""

import time
from itertools import product

import psycopg
import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.payloads.redaction import (
    KEPT_AT_BEGINNING,
    KEPT_AT_END,
    LONGEST_MESSAGE,
    LONGEST_SECRET,
    MOST_SECRETS,
    TOO_MANY_SECRETS,
    redact,
)
from jobs.worker.failures import describe_failure
from tests.support.growth import growth, repeated

#: Beginnings of what redaction looks for, and what it steps over on the way.
PIECES = (
    "token-", "token ", "token=a ", "password:", "'", '"', "://a:", "://a:b@", "bearer ", "basic abcdefgh ",
    "\nDETAIL: (", "DETAIL: it (", "\n\nThe above", "\nHINT: ", ")", " ", "x", "secret", "\\n", "api_key\\\"",
    "12345678 ", "\N{CJK RADICAL REPEAT}",
)  # fmt: skip
#: Of all that becomes of an error of 1 MB, on a processor of its own. Seconds.
MOST_SECONDS = 1.0


@pytest.mark.slow
def test_redaction_takes_as_long_as_the_text_is_long() -> None:
    for piece in ["".join(pieces) for pieces in product(PIECES[:2], PIECES)] + list(PIECES):
        assert not growth(redact, repeated(piece), to=1_030_000), piece


@pytest.mark.slow
def test_an_error_of_a_megabyte_costs_less_than_a_second() -> None:
    for piece in PIECES:
        text = piece * (1_000_000 // len(piece))
        try:
            raise ValueError(f"invalid input: {text!r}")
        except ValueError as caught:
            error = caught
        began = time.thread_time()
        record = describe_failure(error, kind="report", secrets=[text, text[:5000], "hunter2"])
        assert time.thread_time() - began < MOST_SECONDS, piece
        assert len(record.error_message) <= LONGEST_MESSAGE


#: Where the beginning and the end of a long text are cut.
LENGTH = 3 * (KEPT_AT_BEGINNING + KEPT_AT_END)
CUTS = (KEPT_AT_BEGINNING, LENGTH - KEPT_AT_END)
SECRET = "correct horse battery"
#: A secret, and what stands around it.
SHAPES = (
    f"{SECRET}",
    "postgresql://ada:{SECRET}@db/x".replace("{SECRET}", "sesame5678"),
    "password = sesame5678",
    "Authorization: Bearer sesame5678",
    "\nDETAIL:  Failing row contains (7, sesame5678).\nHINT: no",
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(SHAPES), st.sampled_from(CUTS), st.integers(-40, 60))
def test_no_secret_is_shown_that_a_cut_goes_through(shape: str, cut: int, moved: int) -> None:
    filler = "the quick brown fox " * (LENGTH // 20 + 1)
    text = (filler[: cut - moved] + shape + " " + filler)[: LENGTH - 1] + " "
    shown = redact(text, [SECRET])
    assert len(shown) < KEPT_AT_BEGINNING + KEPT_AT_END + 100
    for secret in (SECRET, "sesame5678"):
        assert not any(part in shown for part in (secret[:4], secret[-4:])), shown[cut - 200 : cut + 200]


def test_a_long_text_keeps_its_beginning_and_its_end() -> None:
    text = "".join(f"{number:06} " for number in range(20_000))
    shown = redact(text)
    assert shown.startswith(text[: KEPT_AT_BEGINNING - 7])
    assert shown.endswith(text[7 - KEPT_AT_END :])
    assert f"[{len(text) - KEPT_AT_BEGINNING - KEPT_AT_END:,} characters left out]" in shown


def test_a_row_of_data_that_begins_in_what_is_left_out_is_masked_up_to_its_end() -> None:
    text = "x " * 10_000 + "\nDETAIL:  Failing row contains (7, " + "sesame " * 20_000 + ").\nHINT: Write (1).\n"
    shown = redact(text)
    assert "sesame" not in shown
    assert shown.endswith("***).\nHINT: Write (1).\n")


def test_a_word_that_is_cut_and_goes_on_for_long_is_not_shown() -> None:
    """Nobody can tell whether it is a password: what follows it has not been looked at."""
    text = "see postgresql://ada:" + "sesame" * (LENGTH // 6) + "@db/x for more"
    left_out = len(text) - KEPT_AT_BEGINNING - KEPT_AT_END
    assert redact(text) == f"see ***\n[{left_out:,} characters left out]\n*** for more"


@pytest.mark.parametrize("length", [LONGEST_SECRET - 1, LONGEST_SECRET, 10 * LENGTH])
def test_a_long_secret_is_masked_wherever_it_stands(length: int) -> None:
    secret = ("swordfish " * (length // 10 + 1))[:length]
    for before in (0, KEPT_AT_BEGINNING - 50, LENGTH):
        shown = redact("x " * (before // 2) + secret + " y" * LENGTH, [secret])
        assert "word" not in shown, before


def test_a_text_is_not_shown_where_there_are_too_many_secrets_to_look_for() -> None:
    assert redact("x", [f"secret-{number}" for number in range(MOST_SECRETS)]) == "x"
    assert redact("x", [f"secret-{number}" for number in range(MOST_SECRETS + 1)]) == TOO_MANY_SECRETS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'sent "{\"password\": \"sesame\"}"', r'sent "{\"password\": \"***"}"'),
        ("p\N{LATIN SMALL LETTER E WITH ACUTE}token\N{NO-BREAK SPACE}: sesame", None),
        ("TOKEN\n=\nsesame", None),
        ("tokenstand\N{LATIN SMALL LETTER E WITH ACUTE}=sesame", None),
        ("<hunter2><hunter2>", "<***><***>"),
        ("hunter2hunter2", "***"),
    ],
)
def test_other_ways_to_write_a_secret(text: str, expected: str | None) -> None:
    shown = redact(text, ["hunter2"])
    assert shown == (expected or text.replace("sesame", "***"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "secret"),
    [
        ("SELECT 1 WHERE 1 = {}", "sk-live-" + "swordfish " * 10),  # quoted in part
        ("SELECT no_such({})", "it's swordfish"),  # quoted whole, as SQL writes it
        ("SELECT no_such({})", "it's\\swordfish"),
        ("SELECT {}::json", '{"a": ' + "swordfish" * 20 + "}"),  # the context of JSON, in part
    ],
)
def test_no_part_of_a_secret_is_left_in_what_postgresql_quotes(statement: str, secret: str) -> None:
    with connection.cursor() as cursor:
        bound = statement.format(psycopg.sql.quote(secret, cursor.connection))
        with pytest.raises(psycopg.Error) as caught:
            cursor.cursor.execute(bound.encode())
    assert "swordfish" in str(caught.value)
    for text in (str(caught.value), repr(str(caught.value)), f"{bound!r} failed", bound):
        assert "sword" not in redact(text, [secret]), text


def test_an_excerpt_of_a_statement_without_secrets_is_shown() -> None:
    text = 'relation "nowhere" does not exist\nLINE 1: SELECT a FROM nowhere\n                      ^'
    assert redact(text) == text
    assert redact(text, ["sesame"]) == text.replace("SELECT a FROM nowhere", "***")
