"""Secrets in payloads."""

import pytest

from jobs.payloads.masking import mask, masks_left, secrets_in, unmask
from jobs.payloads.sealing import seal

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


LOOKS_SEALED = {"$encrypted": "of the user's own making"}


def test_the_mask_of_a_sealed_value_under_any_key_is_the_value_again_or_has_to_be_written_anew() -> None:
    """What looks sealed is sealed whoever made it; what was a secret yesterday is not to be stored in clear today."""
    data = {"formerly": "hunter2", "options": LOOKS_SEALED, "many": [LOOKS_SEALED, "plain"], "year": 2023}
    stored = seal(data, lambda key: key == "formerly")
    shown = {"formerly": "***", "options": "***", "many": ["***", "plain"], "year": 2023}
    assert mask(stored) == shown
    entered = {**shown, "year": 2024}
    left = unmask(entered, stored)
    assert left == {**data, "formerly": "***", "year": 2024}
    assert list(masks_left(left, stored)) == ["/formerly"]
    assert list(masks_left({**left, "formerly": "anew"}, stored)) == []
    assert list(masks_left({"many": ["new", "***"]}, stored)) == ["/many/1"]
    assert unmask(entered, stored, {"formerly"}) == {**data, "year": 2024}
