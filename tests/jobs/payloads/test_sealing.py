"""Secrets at rest."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import SecretUnreadableError
from jobs.payloads.masking import MASK, is_sensitive, mask, secrets_in
from jobs.payloads.sealing import SEALED, is_out_of_date, is_sealed, seal, unseal
from jobs.payloads.search import same_work_term, terms_of

KEYS = st.sampled_from(["password", "city", "token", SEALED, "deep"])
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
)


@given(VALUES)
def test_what_is_sealed_is_the_same_when_it_is_opened(value: Any) -> None:
    """Also what a user has sent in the shape of a sealed value."""
    sealed = seal(value, is_sensitive)
    assert unseal(sealed) == value
    assert not is_out_of_date(sealed, is_sensitive)
    assert same_work_term("x", sealed) == same_work_term("x", value)
    assert MASK not in secrets_in(sealed)


def test_a_secret_is_sealed_with_all_that_stands_below_it() -> None:
    value = {"password": {"a": ["hunter2"]}, "city": "Tokyo", "token": None, "list": [{"secret": 7}]}
    sealed = seal(value, is_sensitive)
    assert is_sealed(sealed["password"])
    assert is_sealed(sealed["list"][0]["secret"])
    assert (sealed["city"], sealed["token"]) == ("Tokyo", None)
    assert "hunter2" not in str(sealed)
    assert mask(sealed) == {"password": "***", "city": "Tokyo", "token": "***", "list": [{"secret": "***"}]}
    assert secrets_in(sealed) == {"hunter2"}
    assert terms_of("x", sealed)[1:] == ["tokyo", "city=tokyo"]


def test_equal_secrets_are_not_equal_when_they_are_sealed() -> None:
    first, second = (seal({"password": "hunter2"}, is_sensitive) for _ in range(2))
    assert first != second


def test_nobody_can_make_a_sealed_value() -> None:
    stolen = seal({"password": "hunter2"}, is_sensitive)["password"]
    assert unseal(seal({"note": stolen}, is_sensitive)) == {"note": stolen}


def test_a_key_that_was_replaced_opens_what_it_sealed_while_it_is_a_fallback(settings: Any) -> None:
    sealed = seal({"password": "hunter2"}, is_sensitive)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-key", [settings.SECRET_KEY]
    assert unseal(sealed) == {"password": "hunter2"}
    assert is_out_of_date(sealed, is_sensitive)
    again = seal(unseal(sealed), is_sensitive)
    settings.SECRET_KEY_FALLBACKS = []
    assert unseal(again) == {"password": "hunter2"}
    with pytest.raises(SecretUnreadableError, match="cannot be decrypted"):
        unseal(sealed)
    assert unseal(sealed, otherwise=lambda _: MASK) == {"password": MASK}
    assert secrets_in(sealed) == set()
    assert mask(sealed) == {"password": MASK}


@pytest.mark.parametrize("token", ["", "x", "\N{SNOWMAN}", "gAAAAA=="])
def test_what_is_no_token_cannot_be_opened(token: str) -> None:
    with pytest.raises(SecretUnreadableError):
        unseal({"password": {SEALED: token}})


def test_a_secret_in_clear_is_found_among_what_is_sealed() -> None:
    sealed = seal({"password": "hunter2"}, is_sensitive)
    assert is_out_of_date({**sealed, "deep": [{"token": "x"}]}, is_sensitive)
    assert not is_out_of_date({**sealed, "deep": [{"token": None}]}, is_sensitive)
