"""Secrets are found in texts of any length and any shape, in a time that is as long as the text."""

import time
from itertools import product

import pytest

from jobs.failures import LONGEST_MESSAGE, describe_failure, redact
from tests.growth import growth

#: Beginnings of what redaction looks for, and what it steps over on the way.
PIECES = (
    "token-", "token ", "token=a ", "password:", "'", '"', "://a:", "://a:b@", "bearer ", "basic abcdefgh ",
    "\nDETAIL: (", "DETAIL: it (", "\n\nThe above", "\nHINT: ", ")", " ", "x", "secret", "\\n", "api_key\\\"",
    "12345678 ", "\N{CJK RADICAL REPEAT}",
)  # fmt: skip
#: Of all that becomes of an error of 1 MB, on a processor of its own. Seconds.
MOST_SECONDS = 1.0


@pytest.mark.xfail(strict=True, reason="redaction is cubic")
def test_redaction_takes_as_long_as_the_text_is_long() -> None:
    for piece in ["".join(pieces) for pieces in product(PIECES[:2], PIECES)] + list(PIECES):
        assert not growth(redact, lambda n, p=piece: p * (n // len(p)), to=1_030_000), piece


@pytest.mark.xfail(strict=True, reason="redaction is cubic")
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
