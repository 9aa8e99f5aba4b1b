"""Formulas within cells are found in many lines at once just as in each line alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabular.rows import csv_lines
from tabular.spreadsheets import LineDefuser
from tabular.writing import joined

CELL, ROW = "<cell>", "<row>"
PIECES = (
    "=",
    "-",
    "+1",
    "＠",
    "−",
    " ",
    "\u3000",
    '"',
    "\n",
    "\r",
    ";",
    ",",
    "|",
    "1",
    "-1.5",
    "a",
    "]",
    "\n-1",
    '\n"=',
    CELL,
    ROW,
)
#: Longer than the text in which a search at each separator pays.
LONG = b"x" * 20_000 + b"\n"


@given(pieces=st.lists(st.sampled_from(PIECES), max_size=40), delimiter=st.sampled_from(",;"))
def test_many_lines_are_defused_as_each_line_alone(pieces: list[str], delimiter: str) -> None:
    """A short line alone is searched by a pattern, a long text at its separators only."""
    rows = [row.split(CELL) for row in "".join(pieces).split(ROW)]
    lines = [f"{joined(row, delimiter=delimiter)}\n".encode() for row in rows]
    text = LONG + b"".join(lines)
    assert list(csv_lines(text)) == [LONG, *lines]
    defuser = LineDefuser(delimiter=delimiter)
    assert defuser.defuse(text) == LONG + b"".join(map(defuser.defuse, lines))


@pytest.mark.parametrize(
    ("line", "defused"),
    [
        (b'1,"x\n=1"\n', b'1,"x\n\'=1"\n'),
        (b'1,"x ""\n ""=1"\n', b'1,"x ""\n ""\'=1"\n'),
        (b'1,"x\n-1.5"\n', b'1,"x\n-1.5"\n'),
        (b"1,x; =1|+a;-2\n", b"1,x; '=1|'+a;-2\n"),
        (b"1,x;\xe3\x80\x80\xef\xbc\x9d1\n", b"1,x;\xe3\x80\x80'\xef\xbc\x9d1\n"),
    ],
)
def test_a_sign_within_a_cell_gets_an_apostrophe_wherever_its_line_is(line: bytes, defused: bytes) -> None:
    defuser = LineDefuser(delimiter=",")
    assert defuser.defuse(line) == defused
    assert defuser.defuse(LONG + line + LONG) == LONG + defused + LONG


def test_a_line_that_begins_with_a_number_or_a_sign_stays() -> None:
    """Its first cell is checked by `defuse`, not here."""
    lines = b'-1,"a"\n=1,"b ""c"""\n-x,"d"\n'
    assert LineDefuser(delimiter=",").defuse(lines) == lines
