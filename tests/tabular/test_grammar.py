"""The cells of a record that is not valid are those that a person sees."""

import inspect
import re
from types import ModuleType

import pytest

from tabular import grammar, locating
from tabular.grammar import MOST_SPELLED_OUT, Grammar, cells_of


@pytest.mark.parametrize(
    ("record", "cells"),
    [
        (b"", [None]),
        (b"a\r\n", ["a"]),
        (b',"",\n', [None, "", None]),
        (b'"a,""b""\r\n"\r', ['a,"b"\r\n']),
        (b'5" pipe,x"\n', ['5" pipe', 'x"']),
        (b'"say "yes" twice",1\n', ['say "yes" twice', "1"]),
        (b'"a"b,"c" \n', ['"a"b', '"c" ']),
        (b" \0 \n", [" \0 "]),
    ],
)
def test_the_cells_of_a_record_are_read_leniently(record: bytes, cells: list[str | None]) -> None:
    assert cells_of(record, delimiter=",") == cells


def test_bytes_that_are_no_text_can_be_had_back() -> None:
    [utf8] = cells_of(b"caf\xe9\n", delimiter=";")
    assert (utf8 or "").encode("utf-8", "surrogateescape") == b"caf\xe9"
    [other] = cells_of("表\udcff".encode("utf-8", "surrogatepass"), delimiter=";", encoding="cp932")
    assert other == "表\udcff"


@pytest.mark.parametrize("width", [1, 2, MOST_SPELLED_OUT, MOST_SPELLED_OUT + 1])
def test_records_of_any_width_are_matched_up_to_the_first_that_is_not_valid(width: int) -> None:
    good, bad = b",".join([b"a"] * width) + b"\n", b",".join([b"a"] * (width + 1)) + b"\n"
    found = Grammar(",", width).records.match(good * 2 + bad + good)
    assert found
    assert found.end() == 2 * len(good)


@pytest.mark.parametrize("module", [grammar, locating])
def test_no_group_is_repeated_in_the_way_that_early_python_3_11_gets_wrong(module: ModuleType) -> None:
    """https://github.com/python/cpython/issues/106052: `(?:ab)*+` matches the `a` of `ac`."""
    code = re.sub(r'""".*?"""', "", inspect.getsource(module), flags=re.DOTALL)
    assert "re.compile" in code
    assert not re.search(r"\)(?:[*+?]|\{[^}]*\})\+", code)
