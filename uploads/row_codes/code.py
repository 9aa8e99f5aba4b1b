"""What a code is, the list of all codes, and the sentence of one error:

message_for(TYPE_ERROR, value="12,5", type="integer")  # “12,5” is not a whole number.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from django.utils.translation import gettext_lazy as _

from jobs.joining import join_words

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

#: What an error is about. A warning is about the file, which is processed all the same.
Level = Literal["file", "record", "cell", "warning"]

#: Longer values are cut in messages. Characters.
LONGEST_VALUE: Final = 60
#: Facts that quote the file: a message about a sensitive column does without them.
QUOTED: Final = frozenset({"value"})

_PLACEHOLDER: Final = re.compile(r"%\((\w+)\)s")
#: Control characters become visible: U+2400 and following are pictures of them.
_VISIBLE: Final = {**{code: 0x2400 + code for code in range(32)}, 0x7F: 0x2421}

#: The words for the fact `type`.
TYPES: Final[Mapping[str, _StrOrPromise]] = {
    "integer": _("a whole number"),
    "decimal": _("a number"),
    "float": _("a number"),
    "boolean": _("true or false"),
    "date": _("a date"),
    "datetime": _("a date and time"),
    "time": _("a time"),
    "duration": _("a duration"),
    "uuid": _("a UUID"),
    "json": _("JSON"),
    "binary": _("hexadecimal bytes"),
    "ip-address": _("an IP address"),
}


@dataclass(frozen=True)
class RowCode:
    """One row of the list. `meaning` and `cure` are sentences for the person who uploads.

    `messages` are the sentences of one error, the best first. Each needs some facts; the last needs none.
    """

    code: str
    level: Level
    title: _StrOrPromise
    meaning: _StrOrPromise
    cure: _StrOrPromise
    messages: tuple[_StrOrPromise, ...]

    def message(self, facts: Mapping[str, Any]) -> str:
        """The first sentence whose facts are all known."""
        for text in map(str, self.messages):
            if facts.keys() >= set(_PLACEHOLDER.findall(text)):
                return text % facts
        raise AssertionError(f"the last message of {self.code} needs facts")


#: All codes. Those of a level are in the order of the documentation.
ROW_CODES: Final[dict[str, RowCode]] = {}


def message_for(code: str, *, is_sensitive: bool = False, **facts: Any) -> str:
    """The sentence of one error, in the active language. Facts that are None count as unknown.

    `value` is the cell's text, which is cut if it is long, and left out if the column is sensitive. `type` is a key of
    `TYPES`, or words. Other facts: `line`, `minimum`, `maximum`, `limit`, `heading`, `choices`, … as the messages of
    the code name them. Raises KeyError if there is no such code.
    """
    left_out: Collection[str] = QUOTED if is_sensitive else ()
    known = {name: _shown(name, fact) for name, fact in facts.items() if fact is not None and name not in left_out}
    return ROW_CODES[code].message(known)


def _shown(name: str, fact: Any) -> str:
    if name == "type":
        return str(TYPES.get(fact, fact))
    if isinstance(fact, list | tuple):
        return join_words(fact)
    text = str(fact)
    if name in QUOTED:
        text = text.translate(_VISIBLE)
        return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
    return text


def add_code(code: str, level: Level, title: Any, *messages: Any, meaning: Any, cure: Any) -> str:
    """Add a code to the list, and return it. See `RowCode` for the texts."""
    ROW_CODES[code] = RowCode(code, level, title, meaning, cure, messages)
    return code
