"""The token of a link is accepted only with a signature of ours."""

from uuid import UUID

import pytest
from django.core.signing import Signer
from pytest_django import Settings

from jobs.models import ShareLink
from jobs.sharing.signature import read_token, token_of

LINK = ShareLink(pk=UUID("01900000-0000-7000-8000-000000000001"))


def test_a_token_names_its_link_and_needs_no_escape_in_an_address() -> None:
    token = token_of(LINK)
    assert read_token(token) == LINK.pk
    assert token == token_of(LINK)
    name, signature = token.split(".")
    assert (name, len(signature)) == (LINK.pk.hex, 43)
    assert signature.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "shape",
    ["", ".", "x", "{id}", "{id}.", "{id}.A", "{id}.é", "{id}.{signature}A", " {id}.{signature}", "{id}.{signature}\n",
     "{id}:{signature}", "{dashed}.{signature}", "0{id}.{signature}", "\0", "9" * 5000],
)  # fmt: skip
def test_a_token_that_was_changed_is_forged(shape: str) -> None:
    signature = token_of(LINK).split(".")[1]
    assert read_token(f"{LINK.pk.hex}.{signature}") == LINK.pk
    assert read_token(shape.format(id=LINK.pk.hex, dashed=LINK.pk, signature=signature)) is None


def test_the_signature_of_one_link_does_not_fit_another() -> None:
    other = ShareLink(pk=UUID(int=LINK.pk.int + 1))
    assert read_token(f"{other.pk.hex}.{token_of(LINK).split('.')[1]}") is None
    assert read_token(token_of(LINK).upper()) is None


def test_a_signature_for_another_purpose_is_forged() -> None:
    assert read_token(Signer(salt="other", sep=".").sign(LINK.pk.hex)) is None
    assert read_token(Signer(sep=".").sign(LINK.pk.hex)) is None


def test_a_signed_text_that_is_no_id_is_forged() -> None:
    assert read_token(Signer(salt="jobs.sharing.link", sep=".").sign("7")) is None


def test_links_outlive_a_new_key_as_long_as_the_former_one_is_a_fallback(settings: Settings) -> None:
    token, former = token_of(LINK), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-key", [former]
    assert read_token(token) == LINK.pk
    assert token_of(LINK) != token
    settings.SECRET_KEY_FALLBACKS = []
    assert read_token(token) is None
