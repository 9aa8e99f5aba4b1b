"""No regular expression of ours backtracks over a text that somebody may send: all of them, found by looking."""

import ast
import pkgutil
import re
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular.grammar import Grammar
from tests.support.growth import MOST_SECONDS, growth, near_misses, repeated, seconds

PACKAGES = ("calls", "config", "examples", "jobs", "reports", "tabular", "uploads")
#: Servers that begin when they are imported, or that a worker alone imports.
NOT_IMPORTED = ("config.gunicorn", "config.wsgi")
#: How long the texts get: all of them, and that one which takes longest. What grows quadratically takes minutes over
#: the longest one. A ratio would say less there: `re` needs so much memory that the time of its pages counts.
LONG = 65_000
LONGEST = 1_030_000
USES = {"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}
#: Modules whose patterns depend on the file or on a declaration.
COMPUTED = ("tabular.grammar", "tabular.heading_line", "uploads.ingest.date_formats", "uploads.ingest.strptime")
VALIDATORS = {"RegexValidator", "RegexField"}
#: In the source of a module with a call of these. To parse all modules takes a second, in each process of a run.
USED = re.compile(r"\bre2?\s*\.|Regex(Validator|Field)")


def modules() -> Iterator[str]:
    for package in PACKAGES:
        folder = find_spec(package)
        assert folder is not None
        for found in pkgutil.walk_packages(folder.submodule_search_locations, f"{package}."):
            if ".migrations" not in found.name and found.name not in NOT_IMPORTED:
                yield found.name


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


class OfText:
    """A pattern over bytes, as one over text. Its bytes need not be UTF-8."""

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self._pattern = pattern
        self.pattern = pattern.pattern.decode(errors="surrogateescape")

    def search(self, text: str) -> object:
        return self._pattern.search(_bytes(text))

    def fullmatch(self, text: str) -> object:
        return self._pattern.fullmatch(_bytes(text))

    def finditer(self, text: str) -> Iterator[object]:
        return self._pattern.finditer(_bytes(text))


class OfRecord(OfText):
    """A pattern of the scanner, which only ever asks whether it matches at one place."""

    def search(self, text: str) -> object:
        return self._pattern.match(text.encode())

    fullmatch = search

    def finditer(self, text: str) -> Iterator[object]:
        return iter([self.search(text)])


def of_a_file() -> dict[str, OfRecord]:
    """The patterns of the scanner for a file with three columns."""
    grammar = vars(Grammar(",", 3))
    return {f"tabular.grammar.{name}": OfRecord(one) for name, one in grammar.items() if isinstance(one, re.Pattern)}


def compiled() -> dict[str, Any]:
    """Every pattern that stands in a module, by the name of the place; one that is imported elsewhere is there once."""
    found: dict[int, tuple[str, Any]] = {}
    for name in modules():
        for attribute, value in vars(import_module(name)).items():
            if isinstance(value, re.Pattern | re2._Regexp):
                of_text = OfText(value) if isinstance(value.pattern, bytes) else value
                found.setdefault(id(value), (f"{name}.{attribute}", of_text))
    return dict(sorted(found.values()))


def calls() -> Iterator[tuple[str, ast.Call, bool]]:
    """Where the source uses `re`, `re2` or a validator with a pattern; and whether it is at a module's top level."""
    for name in modules():
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        if not USED.search(text := Path(spec.origin).read_text()):
            continue
        tree = ast.parse(text)
        top = {
            id(call) for each in tree.body if isinstance(each, ast.Assign | ast.AnnAssign) for call in ast.walk(each)
        }
        for call in (each for each in ast.walk(tree) if isinstance(each, ast.Call)):
            match call.func:
                case ast.Attribute(ast.Name("re" | "re2"), use) if use in USES:
                    yield f"{name}:{call.lineno}", call, id(call) in top
                case ast.Name(use) | ast.Attribute(_, use) if use in VALIDATORS:
                    yield f"{name}:{call.lineno}", call, True


def validators() -> dict[str, Any]:
    return {
        place: re.compile(call.args[0].value)
        for place, call, _ in calls()
        if isinstance(call.func, ast.Name) and isinstance(call.args[0], ast.Constant)
    }


PATTERNS = compiled() | of_a_file() | validators()


def many_matches(pattern: Any, text: str) -> None:
    for _ in pattern.finditer(text):
        pass


def test_the_patterns_are_found() -> None:
    assert {
        "jobs.payloads.masking._SECRET_NAME",
        "jobs.payloads.redaction._NAMED_SECRET",
        "jobs.api.idempotency.KEY",
        "config.stack.launcher.ERROR_LINE",
    } <= set(PATTERNS)
    assert any(place.startswith("jobs.tokens.bodies:") for place in PATTERNS)


def test_each_pattern_stands_where_it_is_found() -> None:
    """At the top of its module: what is compiled within a function would escape the test below."""
    elsewhere = [place for place, call, is_at_top in calls() if not is_at_top]
    assert [place for place in elsewhere if place.partition(":")[0] not in COMPUTED] == []
    assert len(of_a_file()) > 5


@pytest.mark.slow
@pytest.mark.parametrize("place", PATTERNS)
def test_no_pattern_takes_longer_than_the_text_is_long(place: str) -> None:
    pattern = PATTERNS[place]
    texts = dict(near_misses(pattern.pattern))
    for use in (pattern.search, pattern.fullmatch, partial(many_matches, pattern)):
        for name, make in texts.items():
            assert not growth(use, make, to=LONG), (place, use, name)
    for use in (pattern.search, pattern.fullmatch):
        dearest = max(texts, key=lambda name: seconds(use, texts[name](LONG)))
        assert seconds(use, texts[dearest](LONGEST)) < MOST_SECONDS, (place, use, dearest)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_nor_does_it_over_pieces_that_chance_has_chosen(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(sorted(PATTERNS)))
    letters = sorted(set(PATTERNS[place].pattern) | set("a0 \n"))
    piece = data.draw(st.text(letters, min_size=1, max_size=8))
    text = (data.draw(st.text(letters, max_size=8)), data.draw(st.text(letters, max_size=3)))
    found = growth(PATTERNS[place].search, repeated(piece, before=text[0], end=text[1]), to=LONG)
    assert not found, (place, text, piece)
