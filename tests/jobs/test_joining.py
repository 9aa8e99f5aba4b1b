"""Words and sentences in a row, in the language of the page."""

import pytest
from django.utils import translation

from jobs.joining import join_sentences, join_words


@pytest.mark.parametrize(("language", "words"), [("en", "a, b, 3"), ("ja", "a、b、3")])
def test_words_are_joined_by_the_comma_of_the_language(language: str, words: str) -> None:
    with translation.override(language):
        assert join_words(["a", "b", 3]) == words


@pytest.mark.parametrize(("language", "text"), [("en", "It failed. Try again."), ("ja", "It failed.Try again.")])
def test_japanese_has_no_blank_between_sentences(language: str, text: str) -> None:
    with translation.override(language):
        assert join_sentences("It failed.", "", "Try again.") == text


def test_nothing_joined_is_nothing() -> None:
    assert (join_words([]), join_sentences(), join_sentences("")) == ("", "", "")
