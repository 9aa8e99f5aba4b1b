"""Secrets in payloads."""

import pytest

from jobs.masking import mask, secrets_in, unmask

PAYLOAD = {
    "reportType": "orders",
    "parameters": {"year": 2023, "apiKey": "k-12345", "nested": [{"Password": "hunter2"}, "plain"], "pin": 4711},
    "auth_token": {"value": "abcdef", "ids": [123456, None, True]},
}
MASKED = {
    "reportType": "orders",
    "parameters": {"year": 2023, "apiKey": "***", "nested": [{"Password": "***"}, "plain"], "pin": "***"},
    "auth_token": "***",
}


def test_a_secret_is_masked_with_all_that_stands_below_it() -> None:
    assert mask(PAYLOAD, {"pin"}) == MASKED
    assert mask(PAYLOAD)["parameters"]["pin"] == 4711


def test_masking_leaves_the_payload_alone() -> None:
    before = repr(PAYLOAD)
    mask(PAYLOAD, {"pin"})
    assert repr(PAYLOAD) == before


def test_the_texts_of_secrets_are_known_but_for_those_that_stand_anywhere() -> None:
    assert secrets_in(PAYLOAD, {"pin"}) == {"k-12345", "hunter2", "4711", "abcdef", "123456"}
    assert secrets_in({"token": "abc"}) == set()


def test_a_mask_that_is_left_in_place_is_the_secret_again() -> None:
    assert unmask(MASKED, PAYLOAD, {"pin"}) == PAYLOAD


@pytest.mark.parametrize(
    ("edited", "expected"),
    [
        ({"token": "new"}, {"token": "new"}),
        ({"note": "***", "token": "***"}, {"note": "***", "token": "old"}),
        ({"other": {"token": "***"}}, {"other": {"token": "***"}}),  # nothing of the original belongs there
        ([{"token": "***"}, 1], [{"token": "***"}, 1]),
        ("***", "***"),
    ],
)
def test_only_a_mask_in_the_place_of_a_secret_is_replaced(edited: object, expected: object) -> None:
    assert unmask(edited, {"token": "old", "note": "n"}) == expected
