"""LibreOffice as a reader of CSV files, to see which cells it takes for formulas, and as a writer of them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import iterparse
from xml.sax.saxutils import escape

import pytest

SOFFICE: Final = shutil.which("soffice")
#: Python's codec → the number that LibreOffice gives to the encoding with which a reader in its country opens the file.
#: https://help.libreoffice.org/latest/en-US/text/shared/guide/csv_params.html
CHARSETS: Final = {"utf-8": 76, "cp932": 60, "shift_jis": 60, "euc_jp": 69, "latin-1": 12, "utf-16": 65535}
_TABLE: Final = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE: Final = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT: Final = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
#: LibreOffice fills rows up with one empty cell that stands for all the others.
_FILLERS: Final = 100


@dataclass(frozen=True)
class Cell:
    """What LibreOffice made of a cell; `formula` is empty where it is none, `kind` is `float`, `string` or empty."""

    formula: str
    kind: str
    text: str


def open_in_libreoffice(
    files: Sequence[Path], *, encoding: str, delimiters: str, strip: bool, folder: Path
) -> list[list[list[Cell]]]:
    """The rows of each CSV file, as one start of LibreOffice reads them all with these separators.

    `strip` is its option *Remove spaces*. `folder` is for what it writes.
    """
    separators = "/".join(str(ord(delimiter)) for delimiter in delimiters)
    options = f"CSV:{separators},34,{CHARSETS[encoding]},1,,0,false,true,false,false,{str(strip).lower()}"
    _convert("fods:OpenDocument Spreadsheet Flat XML", files, folder, f"--infilter={options}")
    return [list(_rows(folder / "out" / f"{file.stem}.fods")) for file in files]


def save_in_libreoffice(
    rows: Sequence[Sequence[str]], *, encoding: str, delimiter: str, folder: Path, blank: tuple[int, int] = (0, 0)
) -> bytes:
    """The CSV file as which LibreOffice saves a sheet with these rows, and with so many blank rows and columns more."""
    formula = '<table:table-cell table:formula="of:=&quot;&quot;" office:value-type="string"/>'
    body = ""
    for row in rows:
        cells = (f"<text:p>{'</text:p><text:p>'.join(map(escape, cell.splitlines()))}</text:p>" for cell in row)
        strings = (f'<table:table-cell office:value-type="string">{cell}</table:table-cell>' for cell in cells)
        body += f"<table:table-row>{''.join(strings)}</table:table-row>"
    if any(blank):
        body += "<table:table-row/>" * (blank[0] - 1)
        columns = len(rows[0]) + blank[1] - 1
        body += f"<table:table-row>{'<table:table-cell/>' * columns}{formula}</table:table-row>"
    names = {"office": _OFFICE, "table": _TABLE, "text": _TEXT, "of": "{urn:oasis:names:tc:opendocument:xmlns:of:1.2}"}
    namespaces = " ".join(f'xmlns:{name}="{urn.strip("{}")}"' for name, urn in names.items())
    sheet = folder / "sheet.fods"
    sheet.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?><office:document {namespaces} office:version="1.2" '
        'office:mimetype="application/vnd.oasis.opendocument.spreadsheet"><office:body><office:spreadsheet>'
        f'<table:table table:name="Sheet1">{body}</table:table></office:spreadsheet></office:body></office:document>',
        encoding="utf-8",
    )
    _convert(f"csv:Text - txt - csv (StarCalc):{ord(delimiter)},34,{CHARSETS[encoding]},1", [sheet], folder)
    return (folder / "out" / "sheet.csv").read_bytes()


def _convert(to: str, files: Sequence[Path], folder: Path, *options: str) -> None:
    if SOFFICE is None:
        pytest.fail("this test needs LibreOffice: on Debian run: apt-get install libreoffice-calc-nogui")
    command = [SOFFICE, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", *options]
    command += ["--convert-to", to, "--outdir", str(folder / "out"), *map(str, files)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def _rows(file: Path) -> Iterator[list[Cell]]:
    for _, element in iterparse(file):  # noqa: S314  (LibreOffice has just written it)
        if element.tag != f"{_TABLE}table-row":
            continue
        row: list[Cell] = []
        for cell in element.iterfind(f"{_TABLE}table-cell"):
            repeated = int(cell.get(f"{_TABLE}number-columns-repeated", "1"))
            text = "\n".join("".join(paragraph.itertext()) for paragraph in cell.iterfind(f"{_TEXT}p"))
            if repeated < _FILLERS:
                found = Cell(cell.get(f"{_TABLE}formula", ""), cell.get(f"{_OFFICE}value-type", ""), text)
                row += [found] * repeated
        yield row
        element.clear()
