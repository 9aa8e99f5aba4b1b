"""Files that LibreOffice itself writes are recognized, with the blank lines and columns that it leaves behind."""

import csv
import io
from pathlib import Path

import pytest

from tabular.recognition import recognize, utf8_blocks
from tests.support.libreoffice import save_in_libreoffice

KNOWN = {"number": ("注文番号",), "name": ("商品名",)}
ROWS = [["注文番号", "商品名"], ['表;,\t"', "ソ\n能 & <ｱ>"], ["1,5", "①㈱髙"]]


@pytest.mark.slow
@pytest.mark.parametrize(("encoding", "delimiter"), [("cp932", ";"), ("utf-16", "\t")])
def test_an_export_of_libreoffice(encoding: str, delimiter: str, tmp_path: Path) -> None:
    data = save_in_libreoffice(ROWS, encoding=encoding, delimiter=delimiter, folder=tmp_path, blank=(3, 2))
    with pytest.raises(UnicodeDecodeError):
        data.decode()
    found = recognize(lambda: [data], known=KNOWN, required=KNOWN)
    assert (found.encoding, found.delimiter, found.headings) == (encoding, delimiter, ("注文番号", "商品名", "", ""))
    assert (found.positions, found.blank, found.first_line) == ({"number": 0, "name": 1}, (2, 3), 2)
    text = b"".join(utf8_blocks([data], found)).decode()
    read = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    assert read == [[*row, "", ""] for row in ROWS[1:]] + [[""] * 4] * 3
