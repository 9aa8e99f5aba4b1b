"""The beginning of a file, before it is sent."""

import pytest

from tabular.refusals import RecognitionError
from uploads.recognizing import HEAD_BYTES, FileColumn, FileHead, recognize_head
from uploads.types import UPLOAD_TYPES, UploadType


def items() -> UploadType:
    found = UPLOAD_TYPES.find("items")
    assert found is not None
    return found


def columns(head: FileHead) -> list[tuple[str, str, list[str]]]:
    return [(one.heading, one.column, list(one.samples)) for one in head.columns]


def test_headings_are_matched_and_samples_shown() -> None:
    head = recognize_head(items(), b"CODE;Name;Colour\r\nA-1;Bolt;\r\nA-2;Nut;red\r\n", is_whole=True)
    assert (head.encoding, head.delimiter) == ("utf-8", ";")
    assert columns(head) == [
        ("CODE", "Code", ["A-1", "A-2"]),
        ("Name", "Name", ["Bolt", "Nut"]),
        ("Colour", "", ["red"]),
    ]
    assert head.missing == ["Price"]
    assert not head.is_matched


def test_headings_that_were_matched_by_hand_count() -> None:
    head = recognize_head(
        items(), b"Artikel,Name,Cost\nA-1,Bolt,2\n", is_whole=True, headings={"artikel": "Code", "cost": "Price"}
    )
    assert [(one.heading, one.column) for one in head.columns] == [
        ("Artikel", "Code"), ("Name", "Name"), ("Cost", "Price"),
    ]  # fmt: skip
    assert head.is_matched


def test_a_column_that_is_there_twice_is_told() -> None:
    head = recognize_head(items(), b"Artikel,Code,Name,Price\n", is_whole=True, headings={"Artikel": "Code"})
    assert (head.doubled, head.is_matched) == (["Code"], False)


def test_a_heading_that_stands_twice_is_told() -> None:
    head = recognize_head(items(), b"Code,Name,Price,Note,NOTE\n", is_whole=True)
    assert (head.repeated, head.doubled, head.is_matched) == (["Note"], [], False)


def test_too_long_a_heading_cannot_be_matched_by_hand() -> None:
    head = recognize_head(items(), f"Code,{'a' * 300},{'b' * 301},\n".encode(), is_whole=True)
    assert [one.name for one in head.columns] == ["Code", "a" * 300, "", ""]


def test_no_known_heading_is_no_error() -> None:
    head = recognize_head(items(), b"a,b\n1,2\n", is_whole=True)
    assert columns(head) == [("a", "", ["1"]), ("b", "", ["2"])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-32", "cp932"])
def test_a_beginning_is_cut_where_a_line_ends(encoding: str) -> None:
    line = "A-1,ねじ,2\r\n"
    data = f"Code,Name,Price\r\n{line * 20_000}".encode(encoding)
    head = recognize_head(items(), data[:HEAD_BYTES], is_whole=False)
    assert columns(head)[1] == ("Name", "Name", ["ねじ"])


def test_what_is_no_csv_file_is_refused() -> None:
    with pytest.raises(RecognitionError, match="Excel"):
        recognize_head(items(), b"PK\x03\x04" + b"x" * 100 + b"xl/workbook.xml", is_whole=False)


def test_secret_cells_are_hidden() -> None:
    secret = UPLOAD_TYPES.find("new-items")
    assert secret is not None
    head = recognize_head(secret, b"Artikel,Name,Preis,Notiz\nA,B,1,geheim\n", is_whole=True)
    assert head.columns[3] == FileColumn("Notiz", "Notiz", ["•••"], "Notiz")
