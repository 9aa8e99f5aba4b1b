"""Sentences about a file: English, and fit to be said in another language.

This package knows no catalog of translations. It marks its texts with `gettext_noop`, by which makemessages finds them,
and whoever shows a sentence hands `said` the function that translates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

#: Words that a sentence lists.
_LISTED: Final = 20

Translate = Callable[[str], str]


def gettext_noop(text: str) -> str:
    """Mark a text for the catalogs of translations. It stays as it is."""
    return text


class Sentence(str):
    """A sentence in English, or a part of one, that knows the `text` it was made of.

    `text` is marked with `gettext_noop` and has named placeholders, which `values` fill: `Sentence(text, line=3)`. A
    value that is a sentence is translated, too.
    """

    text: str
    values: dict[str, str | int]

    def __new__(cls, text: str, /, **values: str | int) -> Sentence:
        self = super().__new__(cls, text % values)
        self.text, self.values = text, values
        return self

    def said(self, translate: Translate) -> str:
        """The sentence in the language of `translate`, which answers the translation of a text."""
        values = {
            name: value.said(translate) if isinstance(value, Sentence) else value for name, value in self.values.items()
        }
        return translate(self.text) % values


def joined(first: Sentence, *others: Sentence) -> Sentence:
    """Whole sentences, one after the other."""
    for other in others:
        first = Sentence(gettext_noop("%(first)s %(second)s"), first=first, second=other)
    return first


def quoted(words: Sequence[str]) -> Sentence:
    """At least one word, in quotation marks, as a sentence lists them; after twenty, only how many there are more."""
    shown: list[str] = [Sentence(gettext_noop('"%(word)s"'), word=word) for word in words[:_LISTED]]
    if len(words) > _LISTED:
        shown.append(Sentence(gettext_noop("%(count)s more"), count=len(words) - _LISTED))
    return listed(shown)


def listed(words: Sequence[str]) -> Sentence:
    """At least one word, as a sentence lists them: “a, b and c”."""
    *others, last = words
    if not others:
        return Sentence("%(word)s", word=last)
    return Sentence(gettext_noop("%(words)s and %(last)s"), words=with_commas(others), last=last)


def with_commas(words: Sequence[str]) -> str:
    """At least one word: “a, b, c”."""
    first, *others = words
    for other in others:
        first = Sentence(gettext_noop("%(words)s, %(next)s"), words=first, next=other)
    return first
