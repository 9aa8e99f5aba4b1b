"""Files that are no CSV are named by their first bytes."""

import bz2
import gzip
import io
import json
import lzma
import sqlite3
import tarfile
import zipfile
from pathlib import Path

import pytest

from tabular.content import check_content, check_not_empty
from tabular.refusals import RecognitionError

EXCEL = "In Excel, save it as CSV UTF-8 (Comma delimited), and upload that file."
EXPORT = "Export the table as a CSV file, and upload that file."
UNPACK = "Unpack it, and upload the CSV file in it."


def archive(*names: str, store: str = "") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        for name in names:
            opened.writestr(name, store)
    return file.getvalue()


def tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as opened:
        opened.addfile(tarfile.TarInfo("orders.csv"))
    return file.getvalue()


@pytest.mark.parametrize(
    ("head", "sentences"),
    [
        (
            archive("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml"),
            f"This is an Excel workbook (.xlsx), not a CSV file. {EXCEL}",
        ),
        (
            archive("mimetype", "content.xml", store="application/vnd.oasis.opendocument.spreadsheet"),
            "This is an OpenDocument spreadsheet (.ods), not a CSV file. In LibreOffice, save it as Text CSV with the "
            "character set UTF-8, and upload that file.",
        ),
        (archive("orders.csv"), f"This is a ZIP archive, not a CSV file. {UNPACK}"),
        (archive("[Content_Types].xml", "word/document.xml"), f"a ZIP archive, not a CSV file. {UNPACK}"),
        (archive(), f"a ZIP archive, not a CSV file. {UNPACK}"),
        (
            bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504),
            f"This is an Excel 97-2003 workbook (.xls), not a CSV file. {EXCEL}",
        ),
        (b"%PDF-1.7\n", f"This is a PDF document, not a CSV file. {EXPORT}"),
        (
            gzip.compress(b"a,b\n", mtime=0),
            f"This is a gzip file, not a CSV file. {UNPACK} Or send it with the header Content-Encoding: gzip.",
        ),
        (bytes.fromhex("28b52ffd04582100"), "a Zstandard file"),
        (bz2.compress(b"a,b\n"), "a bzip2 file"),
        (bz2.compress(b""), "a bzip2 file"),
        (lzma.compress(b"a,b\n"), "an xz file"),
        (tar(), "a tar archive"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "This is a PNG image, not a CSV file. Upload a CSV file."),
        (
            b"\xef\xbb\xbf\r\n<!DOCTYPE html>\n<html><body>502 Bad Gateway",
            "This is an HTML page, not a CSV file. It may be the error page of a program: open it in a browser, and "
            "export the table again as a CSV file.",
        ),
        (b"<table><tr><td>1</td></tr></table>", "an HTML page"),
        (b'<?xml version="1.0"?>\n<Workbook>', "an XML file"),
        (json.dumps([{"a": 1}], indent=1).encode(), f"This is a JSON file, not a CSV file. {EXPORT}"),
        (b'{"a": 1}\n{"a": 2}\n', "a JSON file"),
        (b"PAR1\x15\x04", "a Parquet file"),
        (b"{\\rtf1\\ansi", "an RTF document"),
    ],
)
def test_other_files_are_named(head: bytes, sentences: str) -> None:
    with pytest.raises(RecognitionError) as caught:
        check_content(head)
    assert caught.value.code == "not-csv"
    assert sentences in caught.value.detail


def test_a_database_is_named(tmp_path: Path) -> None:
    database = tmp_path / "orders.csv"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE orders (number int)")
    connection.close()
    with pytest.raises(RecognitionError, match="This is an SQLite database, not a CSV file"):
        check_content(database.read_bytes())


@pytest.mark.parametrize(
    "head",
    [
        b"Order number,Price\n",
        b"PK,Name\n",
        b"PAR1,PAR2\n",
        b"Rar!,GIF8\n",
        b"BZh9,MZ\n",
        b"[Order],[Price]\n",
        b"[2024],[2025]\n",
        b"{order},{price}\n",
        b"<order>,<price>\n",
        b"x" * 257 + b"ustar,b\n",
        b"\xff\xfea\0,\0",
        b"",
    ],
)
def test_headings_that_look_a_little_like_it_are_let_through(head: bytes) -> None:
    check_content(head)


@pytest.mark.parametrize(
    ("blocks", "sentences"),
    [
        ([], "The file is empty: it has no byte. Upload a file with rows."),
        ([b""], "The file is empty: it has no byte. Upload a file with rows."),
        ([b"\xef\xbb\xbf", b" \t\r\n" * 9], "The file has only blanks and line breaks. Upload a file with rows."),
        (["\ufeff \r\n".encode("utf-16-be")], "The file has only blanks and line breaks. Upload a file with rows."),
    ],
)
def test_empty_files_are_named(blocks: list[bytes], sentences: str) -> None:
    with pytest.raises(RecognitionError) as caught:
        check_not_empty(blocks)
    assert (caught.value.code, caught.value.detail) == ("empty-file", sentences)
    check_not_empty([*blocks, b"a"])
