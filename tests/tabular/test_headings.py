"""Headings are matched whatever their case, width and blanks, and what does not match is named with its position."""

import pytest

from tabular.headings import KnownHeadings, match, normalize
from tabular.refusals import RecognitionError

KNOWN = {
    "number": ("Order number", "注文番号", "Auftragsnummer"),
    "product": ("Product",),
    "product.category": ("Category",),
    "bundle.category": ("Category",),
    "price": ("Unit price", "価格"),
}


def refused(cells: list[str]) -> RecognitionError:
    with pytest.raises(RecognitionError) as caught:
        match(cells, KnownHeadings(KNOWN), ["number", "product"])
    return caught.value


@pytest.mark.parametrize(
    "heading",
    [
        "unit price",
        "UNIT PRICE",
        "  Unit\u00a0 price\t",
        "Ｕｎｉｔ\u3000ｐｒｉｃｅ",
        "\ufeffUnit pri\u200bce\u00ad",
        "Unit\r\nprice",
    ],
)
def test_headings_are_compared_as_people_read_them(heading: str) -> None:
    assert normalize(heading) == normalize("Unit price") != normalize("Unitprice")


def test_the_apostrophe_of_a_safe_report_is_no_part_of_the_heading() -> None:
    assert normalize("'=Total") == normalize("=Total")
    assert normalize("'t Hart") != normalize("t Hart")


def test_case_is_folded_after_the_width() -> None:
    assert normalize("ＳＴＲＡẞＥ") == normalize("Straße") == normalize("strasse")
    assert normalize("ｶﾅ") == normalize("カナ")


def test_the_columns_are_found_in_any_order() -> None:
    cells = ["価格", "note", "", "CATEGORY", "注文番号", "_line", "_errors", " ", "Product"]
    matched = match(cells, KnownHeadings(KNOWN), ["number", "product", "product.category"])
    assert matched.positions == {
        "price": 0,
        "product.category": 3,
        "bundle.category": 3,
        "number": 4,
        "product": 8,
    }
    assert matched.unknown == ("note",)
    assert matched.blank == (2, 7)


@pytest.mark.parametrize(
    ("cells", "code", "detail"),
    [
        (
            ["Foo", "", "B\0r\udce9"],
            "unknown-headings",
            'None of the expected headings was found. The first line has "Foo" and "B\ufffdr\ufffd". Expected are '
            '"Order number", "Product", "Category" and "Unit price".',
        ),
        (["", ""], "unknown-headings", "The first line has no heading."),
        (
            ["Order no", "Category"],
            "missing-column",
            'The columns "Order number" and "Product" are missing. The file has "Order no" and "Category". '
            'Did you mean "Order number" by "Order no"?',
        ),
        (
            ["Auftragsnumer", "Product"],
            "missing-column",
            'The column "Order number" is missing. The file has "Auftragsnumer" and "Product". '
            'Did you mean "Order number" by "Auftragsnumer"?',
        ),
        (
            ["Product", *(f"c{number}" for number in range(30))],
            "missing-column",
            'The column "Order number" is missing. The file has "Product", '
            + ", ".join(f'"c{number}"' for number in range(19))
            + " and 11 more.",
        ),
        (
            ["Product", "Order number", "Product"],
            "duplicate-column",
            'Columns 1 and 3 both have the heading "Product". Remove or rename one of them.',
        ),
        (
            ["Product", "Ｐｒｏｄｕｃｔ "],
            "duplicate-column",
            'Columns 1 ("Product") and 2 ("Ｐｒｏｄｕｃｔ ") have the same heading. Remove or rename one of them.',
        ),
        (
            ["Product", "注文番号", "Auftragsnummer"],
            "duplicate-column",
            'Columns 2 ("注文番号") and 3 ("Auftragsnummer") both stand for "Order number". '
            "Remove or rename one of them.",
        ),
        (
            ["Product", "note", "Note"],
            "duplicate-column",
            'Columns 2 ("note") and 3 ("Note") have the same heading. Remove or rename one of them.',
        ),
    ],
)
def test_what_does_not_match_is_named(cells: list[str], code: str, detail: str) -> None:
    error = refused(cells)
    assert error.code == code
    assert detail in error.detail
    assert ("Did you mean" in error.detail) == ("Did you mean" in detail)


@pytest.mark.parametrize(
    "cells",
    [
        ["x" * 900_000, "y\udce9" * 9000],
        ["Product", "x" * 900_000],
        ["Product", "x" * 900_000, "x" * 900_000],
        ["Product", "x" * 900_000, "X" * 900_000],
        ["Product", "Order number" + " " * 900_000, "Order number"],
        ["Product", "Order number" + "\u00ad" * 900_000, "Auftragsnummer"],
        ["Product", "Ordernumber" + "\u00ad" * 900_000],
    ],
)
def test_a_long_heading_is_cut_where_it_is_named(cells: list[str]) -> None:
    assert len(refused(cells).detail) < 700


def test_a_heading_is_cut_behind_a_hundred_characters() -> None:
    detail = refused(["x" * 100, "y" * 101]).detail
    assert f'The first line has "{"x" * 100}" and "{"y" * 99}…".' in detail


def test_a_missing_column_is_compared_with_as_many_headings_as_an_upload_may_have() -> None:
    others = [f"c{number}" for number in range(398)]
    assert 'Did you mean "Order number" by "Order no"?' in refused(["Product", *others, "Order no"]).detail
    assert "Did you mean" not in refused(["Product", *others, "c", "d", "Order no"]).detail
