"""How the time of a function grows with the length of its text, and texts that make a pattern backtrack.

`near_misses(pattern)` reads the structure of a regular expression: what precedes a repetition, then what is repeated,
many times, then a character that lets no match end. Where a backslash is repeated, what opens the repetition follows it
too, so that a match can begin anew at each place.
"""

import re
import time
from collections.abc import Callable, Iterator
from itertools import product
from re import _constants as op
from re import _parser
from typing import Any

#: Four times the text may take this many times as long. Linear is 4, or more where a text outgrows a cache.
#: Quadratic is 16.
MOST_GROWTH = 8
#: Below this a clock and a cache say more than the function. Seconds.
LEAST_SECONDS = 0.01
#: Nothing that is looked at here may take longer. Seconds.
MOST_SECONDS = 2.0
ENDS = ("", "!", "\n")
#: Samples of one part of a pattern.
MOST_SAMPLES = 4
#: Texts that are made for one pattern, taken evenly from all that there would be.
MOST_TEXTS = 10
#: What only RE2 knows, as the `re` of Python writes it.
RE2_SYNTAX = ((r"\pL\pN_", r"\w"), (r"\s\v\pZ\x{85}\x1c-\x1f", r"\s"), (r"\z", r"\Z"))


def growth(function: Callable[[str], object], make: Callable[[int], str], *, to: int) -> str:
    """Why `function` does not grow linearly over texts of 4,000 characters and more, up to `to`; empty: it does.

    What looks like it is measured again: a machine that is busy with something else is no fault of the function.
    """
    length, before = 4_000, 0.0
    while length <= to:
        taken = seconds(function, make(length))
        if taken > MOST_SECONDS:
            return f"{length:,} characters took {taken:.1f} s"
        if before > LEAST_SECONDS and taken > MOST_GROWTH * before:
            small, large = make(length // 4), make(length)
            before = min(seconds(function, small) for _ in range(5))
            taken = min(seconds(function, large) for _ in range(5))
            if taken > MOST_GROWTH * before:
                return f"{length:,} characters took {taken / before:.1f} times as long as a quarter of them"
        before = taken
        length *= 4
    return ""


def near_misses(pattern: str) -> Iterator[tuple[str, Callable[[int], str]]]:
    """Texts of any length that nearly match: a name for messages, and a function of the length."""
    for written, python in RE2_SYNTAX:
        pattern = pattern.replace(written, python)
    parsed = _parser.parse(pattern)
    pumps = {(before, body) for before, body in _repetitions(list(parsed), [""])}
    pumps |= {("", whole) for whole in _samples(list(parsed)) if whole}
    forms = (
        [(a, b, "") for a, b in pumps if a] + [("", b, "") for _, b in pumps] + [("", a + b * 3, "") for a, b in pumps]
    )
    texts = sorted({(a, b, end) for (a, b, _), end in product(forms, ENDS)})
    escaped = sorted({(a[0], f"\\{a[0]}", "") for a, body in pumps if a and "\\" in body})
    for before, body, end in [*escaped, *texts[:: max(1, len(texts) // MOST_TEXTS)]]:
        name = f"{before!r} + {body!r} * n + {end!r}"
        yield name, repeated(body, before=before, end=end)


def repeated(piece: str, *, before: str = "", end: str = "") -> Callable[[int], str]:
    """Makes texts of about `n` characters."""
    return lambda n: before + piece * (n // len(piece)) + end


def seconds(function: Callable[[str], object], text: str) -> float:
    """How long this thread computes for one call."""
    began = time.thread_time()
    function(text)
    return time.thread_time() - began


def _repetitions(tokens: list[Any], before: list[str]) -> Iterator[tuple[str, str]]:
    for index, (kind, value) in enumerate(tokens):
        leading = [a + b for a, b in product(before, _samples(tokens[:index]))][:MOST_SAMPLES]
        for inner in _inner(kind, value):
            yield from _repetitions(list(inner), leading)
            if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
                yield from product(leading, [body for body in _samples(list(inner)) if body])


def _inner(kind: Any, value: Any) -> list[Any]:
    match kind:
        case op.SUBPATTERN:
            return [value[3]]
        case op.MAX_REPEAT | op.MIN_REPEAT | op.POSSESSIVE_REPEAT:
            return [value[2]]
        case op.BRANCH:
            return list(value[1])
        case op.ATOMIC_GROUP:
            return [value]
    return []


def _samples(tokens: list[Any]) -> list[str]:
    found = [""]
    for kind, value in tokens:
        found = [a + b for a, b in product(found, _samples_of(kind, value))][:MOST_SAMPLES]
    return found


def _samples_of(kind: Any, value: Any) -> list[str]:
    match kind:
        case op.LITERAL:
            return [chr(value)]
        case op.NOT_LITERAL | op.ANY:
            return ["x" if value != ord("x") else "y"]
        case op.IN:
            return _characters(value)
        case op.MAX_REPEAT | op.MIN_REPEAT | op.POSSESSIVE_REPEAT:
            least, _, inner = value
            return [sample * max(least, 1) for sample in _samples(list(inner))]
        case op.SUBPATTERN | op.ATOMIC_GROUP | op.BRANCH:
            return [sample for inner in _inner(kind, value) for sample in _samples(list(inner))]
    return [""]  # an anchor, or a look around


def _characters(described: list[Any]) -> list[str]:
    """One or two of a set of characters: found by asking, whatever it says."""
    class_ = re.compile("".join(["[", "^" if described[0][0] is op.NEGATE else "", *map(_written, described), "]"]))
    first = described[0][1]
    usual = [character for character in "a0 :=-_.'(\n{" if class_.match(character)]
    return usual[:2] or [chr(first if isinstance(first, int) else first[0])]


def _written(part: tuple[Any, Any]) -> str:
    match part:
        case (op.LITERAL, code):
            return re.escape(chr(code))
        case (op.RANGE, (first, last)):
            return f"{re.escape(chr(first))}-{re.escape(chr(last))}"
        case (op.CATEGORY, category):
            name = str(category).removeprefix("CATEGORY_").lower()
            letter = {"digit": "d", "space": "s", "word": "w"}[name.removeprefix("not_")]
            return "\\" + (letter.upper() if name.startswith("not_") else letter)
    return ""
