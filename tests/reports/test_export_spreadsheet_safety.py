"""No cell of a report is a formula, whatever encoding it is written in and whatever separator it is read with."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Final

import pytest

from reports.types import SQL
from tabular.dialect import DELIMITERS, ENCODINGS
from tests.support.libreoffice import open_in_libreoffice
from tests.support.results import Finished

#: What Excel takes for the start of a formula; https://owasp.org/www-community/attacks/CSV_Injection
STARTS: Final = "=+-@＝＋－＠"
#: Dashes and other signs that an encoding may turn into one of these.
CANDIDATES: Final = STARTS + "−﹣﹢﹦﹫⁺⁻⁼₊₋₌‐‑‒–—―ー➕➖˗⹀゠꞊"
BLANKS: Final = " \u00a0\u3000\u2003\u200b\ufeff\v\f"
BEFORE: Final = (
    "", *BLANKS, "x;", "x; ", "x;\u3000", 'x;"', "x,", "x, ", "x\t", "x|", "x| ", "x\n", "x\n ", "x\r", ";", "\n"
)  # fmt: skip
AFTER: Final = ("1+1", "1+1;y", "1+1|y\ty", '1+1"', "cmd|' /C calc'!A0")
#: What begins with a number, up to what some readers split at.
NUMBERS: Final = ("1", *(f"1{one}5+cmd|' /C calc'!A0;y" for one in (",", ";", "\t", "|", '"', '",', ".5,")))
CELLS: Final = ["".join(parts) for parts in (*product(BEFORE, CANDIDATES, AFTER), *product(BEFORE, "+-", NUMBERS))]
#: With which codec a reader opens the file: Windows knows its own superset of Shift_JIS only.
READ_AS: Final = {"shift_jis": "cp932"}
NUMBER: Final = re.compile(r"[-+]?\d+([.,]\d+)?")


def report_of_cells(cells: list[str], report_of: Callable[..., str]) -> str:
    query = "SELECT i, cell, -1.5 AS number FROM unnest(%s::text[]) WITH ORDINALITY AS t(cell, i) ORDER BY i"
    return report_of(lambda parameters: SQL(query, [cells]))


def as_read(content: bytes, encoding: str) -> str:
    text = content.decode(READ_AS.get(encoding, encoding))
    if encoding == "euc_jp":  # Windows maps the plane that both share as it does for Shift_JIS
        text = text.encode("shift_jis", "replace").decode("cp932", "replace")
    return text


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet that strips all that it may strip runs this cell."""
    bare = cell.lstrip(f'{BLANKS}"').rstrip('"')
    return bare[:1] in tuple(STARTS) and NUMBER.fullmatch(bare) is None


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_cell_is_a_formula(
    encoding: str, delimiter: str, report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    finished = run_order(
        report_of_cells(CELLS, report_of), encoding=encoding, delimiter=delimiter, errors="replace"
    )  # fmt: skip
    assert finished.content is not None
    text = as_read(finished.content, encoding)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    assert len(rows) == len(CELLS) + 1
    assert [row for row in rows if is_formula(row[1])] == []
    assert {row[2] for row in rows[1:]} == {"-1.5"}
    # Whoever splits at another separator does not see which cells are quoted.
    others = "".join(other for other in DELIMITERS if other != delimiter)
    assert [piece for piece in re.split(f"[{others}\r\n]", text) if is_formula(piece)] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoding", "delimiters", "strip"),
    [("utf-8", ";", True), ("shift_jis", "\t", False), ("euc_jp", "|", True), ("utf-16", ",;\t", True)],
)
def test_libreoffice_finds_no_formula(
    encoding: str,
    delimiters: str,
    strip: bool,
    report_of: Callable[..., str],
    run_order: Callable[..., Finished],
    tmp_path: Path,
) -> None:
    """It opens files with each of our separators as one who chose the wrong one in its dialog would."""
    made = report_of_cells([cell for cell in CELLS if "=" in cell], report_of)
    files = []
    for number, delimiter in enumerate(DELIMITERS):
        finished = run_order(made, encoding=encoding, delimiter=delimiter, errors="replace")
        files.append(tmp_path / f"{number}.csv")
        files[-1].write_bytes(finished.content or b"")
    tables = open_in_libreoffice(files, encoding=encoding, delimiters=delimiters, strip=strip, folder=tmp_path)
    for table in tables:
        assert [cell for row in table for cell in row if cell.formula] == []
    right = tables[DELIMITERS.index(delimiters[0])]
    assert {row[2].text for row in right[1:] if row[2].kind == "float"} == {"-1.5"}


def test_the_candidates_are_all_signs_that_an_encoding_makes_a_start_of() -> None:
    """Each character of the plane is written and read; what becomes a start must be among those that are tried."""
    found = set()
    for encoding in ENCODINGS:
        for point in (*range(0x20, 0xD800), *range(0xE000, 0x10000)):
            with_one = chr(point).encode(encoding, "ignore")
            read = as_read(with_one, encoding).lstrip("\ufeff") if with_one else ""
            if read[:1] in tuple(STARTS) and chr(point) not in STARTS:
                found.add(chr(point))
    assert found == {"−"}, [unicodedata.name(character) for character in found]
