"""Words and sentences in a row, as the language of the page joins them: Japanese puts neither commas nor blanks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

from django.utils.translation import gettext


def join_words(words: Iterable[object]) -> str:
    """`a, b, c`."""
    return reduce(_next_word, map(str, words)) if (words := list(words)) else ""


def join_with_and(words: Sequence[str]) -> str:
    """At least one word: `a, b and c`."""
    if len(words) == 1:
        return words[0]
    return gettext("%(words)s and %(last)s") % {"words": join_words(words[:-1]), "last": words[-1]}


def join_sentences(*sentences: object) -> str:
    """Whole sentences, one after the other. Empty ones are left out."""
    shown = [text for text in map(str, sentences) if text]
    return reduce(_next_sentence, shown) if shown else ""


def _next_word(words: str, following: str) -> str:
    return gettext("%(words)s, %(next)s") % {"words": words, "next": following}


def _next_sentence(first: str, second: str) -> str:
    return gettext("%(first)s %(second)s") % {"first": first, "second": second}
