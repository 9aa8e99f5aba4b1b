# ruff: noqa: DJ001, DJ008
"""Typed values and rules, by a real PostgreSQL: each cell is a value, or a problem with a code of its own."""

import datetime
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.core.validators import MaxValueValidator, MinLengthValidator
from django.db import models
from django.test.utils import isolate_apps

from tests.support.staged import TOKEN, check
from uploads.ingest.formats import ColumnFormat
from uploads.types import Column, UploadType

pytestmark = pytest.mark.django_db

with isolate_apps("uploads"):

    class Everything(models.Model):
        """A field of each type."""

        code = models.CharField(max_length=8, unique=True)
        name = models.CharField(max_length=5, null=True, validators=[MinLengthValidator(2)])
        note = models.TextField(null=True)
        slug = models.SlugField(null=True)
        small = models.SmallIntegerField(null=True)
        whole = models.IntegerField(null=True, validators=[MaxValueValidator(2_000_000_000)])
        big = models.BigIntegerField(null=True)
        positive = models.PositiveSmallIntegerField(null=True)
        price = models.DecimalField(max_digits=6, decimal_places=2, null=True)
        ratio = models.FloatField(null=True)
        flag = models.BooleanField(null=True)
        day = models.DateField(null=True)
        moment = models.DateTimeField(null=True)
        clock = models.TimeField(null=True)
        length = models.DurationField(null=True)
        token = models.UUIDField(null=True)
        extra = models.JSONField(null=True)
        address = models.GenericIPAddressField(null=True)
        size = models.CharField(max_length=1, choices=[("S", "Small"), ("L", "Large")], null=True)
        level = models.IntegerField(choices=[(1, "Low"), (2, "High")], null=True)

        class Meta:
            app_label = "uploads"


class Everythings(UploadType):
    """All columns, called like their fields."""

    name = "Everything"
    model = Everything
    key = ("code",)
    columns = {field.name: Column(field.name) for field in Everything._meta.fields if field.name != "id"}


@pytest.fixture(scope="module")
def everythings() -> UploadType:
    return Everythings()


def one_column(
    upload_type: UploadType, key: str, cells: list[str | None], **options: Any
) -> tuple[list[Any], list[str]]:
    """The values of a column, and for each cell its codes."""
    checked = check(
        upload_type, [(cell, f"K{number}") for number, cell in enumerate(cells)], keys=(key, "code"), **options
    )
    codes = checked.codes(key)
    numbers = range(1, len(cells) + 1)
    return [checked.values[one][key] for one in numbers], ["+".join(codes.get(one, ())) for one in numbers]


GOOD: dict[str, dict[str | None, Any]] = {
    "name": {"abcde": "abcde", " a ": " a ", "日本語です": "日本語です", None: None, "'ab": "'ab", '="01"': '="01"'},
    "note": {"#N/A": "#N/A", "=1": "=1", "": "", "1-Mar": "1-Mar"},
    "code": {"0012": "0012", '="00123"': "00123", "3-Mar": "3-Mar", "SKU-1": "SKU-1"},
    "small": {
        "7": 7,
        "+7": 7,
        "-32768": -32768,
        "007": 7,
        " 7 ": 7,
        "\u30007\u00a0": 7,
        '="007"': 7,
        "": None,
        " ": None,
    },
    "whole": {"2000000000": 2_000_000_000, None: None},
    "big": {"9223372036854775807": 9223372036854775807},
    "positive": {"0": 0, "-0": 0, "32767": 32767},
    "price": {
        "9999.99": Decimal("9999.99"),
        "-.5": Decimal("-0.5"),
        "1.": Decimal(1),
        "1.5000": Decimal("1.5"),
        "1,234.5": Decimal("1234.5"),
        " 1 234.50 ": Decimal("1234.5"),
        "0000000001.20": Decimal("1.2"),
        "1\u00a0234": Decimal(1234),
        "+3": Decimal(3),
    },
    "ratio": {"1e-07": 1e-07, "0.1": 0.1, "-5": -5.0, ".5": 0.5, "1E+15": 1e15, " 2 ": 2.0},
    "flag": {"true": True, "FALSE": False, "t": True, "n": False, " Yes ": True, "0": False, "on": True, "": None},
    "day": {
        "2024-02-29": datetime.date(2024, 2, 29),
        " 2024-01-01": datetime.date(2024, 1, 1),
        "0001-01-01": datetime.date(1, 1, 1),
    },
    "clock": {
        "09:30": datetime.time(9, 30),
        "9:30:01.5": datetime.time(9, 30, 1, 500_000),
        "00:00:00": datetime.time(0),
    },
    "moment": {
        "2023-01-01 05:00:00+00": datetime.datetime(2023, 1, 1, 5, tzinfo=datetime.UTC),
        "2023-01-01T05:00:00.123456+09:00": datetime.datetime(2022, 12, 31, 20, 0, 0, 123456, tzinfo=datetime.UTC),
        "2023-01-01T05:00Z": datetime.datetime(2023, 1, 1, 5, tzinfo=datetime.UTC),
        "2023-01-01": datetime.datetime(2023, 1, 1, tzinfo=datetime.UTC),
        "2023-01-01 05:00-0330": datetime.datetime(2023, 1, 1, 8, 30, tzinfo=datetime.UTC),
        "0001-01-01": datetime.datetime(1, 1, 1, tzinfo=datetime.UTC),
        "9999-12-31 23:59:59.999999": datetime.datetime.max.replace(tzinfo=datetime.UTC),
    },
    "length": {
        "1 day, 2:03:04": datetime.timedelta(1, 7384),
        "-1 days +23:00:00": datetime.timedelta(hours=-1),
        "00:00:01.5": datetime.timedelta(seconds=1.5),
        "1 day 02:00:00": datetime.timedelta(1, 7200),
        "P1DT2H": datetime.timedelta(1, 7200),
        "PT0.5S": datetime.timedelta(seconds=0.5),
        "3 days": datetime.timedelta(3),
        "-999999999 days": datetime.timedelta.min,
        "999999999 days, 23:59:59.999999": datetime.timedelta.max,
        "1000000000 days -00:00:00.000001": datetime.timedelta.max,
    },
    "token": {
        "12345678-1234-5678-1234-567812345678": uuid.UUID("12345678-1234-5678-1234-567812345678"),
        "ABCDEF00123456781234567812345678": uuid.UUID("abcdef00123456781234567812345678"),
    },
    "extra": {
        '{"a": [1]}': '{"a": [1]}',
        "\u3000null ": "null",
        "[" * 500 + "]" * 500: "[" * 500 + "]" * 500,
        f"[{', '.join(['{}'] * 501)}]": f"[{', '.join(['{}'] * 501)}]",
        f'"{"[" * 501}1e5000"': f'"{"[" * 501}1e5000"',
        f'["\\"{"[" * 501}"]': f'["\\"{"[" * 501}"]',
        "1e4299": f"1{'0' * 4299}",
        "1E-5000": f"0.{'0' * 4999}1",
    },
    "address": {"10.0.0.1": "10.0.0.1", "::1": "::1", " 2001:DB8::1 ": "2001:db8::1"},
    "size": {"S": "S", " L ": "L", None: None},
    "level": {"1": 1, "2": 2},
}


@pytest.mark.parametrize("key", GOOD)
def test_a_valid_cell_is_a_value(everythings: UploadType, key: str) -> None:
    cells = GOOD[key]
    if key == "code":
        checked = check(everythings, [(cell,) for cell in cells], keys=("code",))
        assert [one["code"] for one in checked.values.values()] == list(cells.values())
        assert checked.codes("code") == {3: ["spreadsheet-damage"]}
        return
    values, codes = one_column(everythings, key, list(cells), formats={})
    assert dict(zip(cells, values, strict=True)) == cells
    assert [(cell, code) for cell, code in zip(cells, codes, strict=True) if code] == []


BAD: dict[str, dict[str, str]] = {
    "name": {"abcdef": "too-long", "日本語です。": "too-long", "a": "out-of-range"},
    "slug": {"#N/A": "spreadsheet-damage", "1.23E+15": "spreadsheet-damage", "x" * 51: "too-long"},
    "small": {
        "32768": "out-of-range",
        "-99999999999999999999": "out-of-range",
        "0x1F": "type-error",
        "1_000": "type-error",
        "1e3": "type-error",
        "1.0": "type-error",
        "٣٤": "type-error",
        "１２": "type-error",
        "1,234": "type-error",
        "--5": "type-error",
        "1.2E+05": "spreadsheet-damage",
        "#####": "spreadsheet-damage",
        "1-Mar": "spreadsheet-damage",
        '="0x1F"': "type-error",
    },
    "whole": {"2000000001": "out-of-range", "3000000000": "out-of-range"},
    "positive": {"-1": "out-of-range", "-40000": "out-of-range"},
    "price": {
        "10000": "out-of-range",
        "-10000.00": "out-of-range",
        "1" * 200_000: "out-of-range",
        "1.005": "too-many-decimals",
        "NaN": "type-error",
        "Infinity": "type-error",
        "1e3": "type-error",
        "1_000": "type-error",
        "1,23": "type-error",
        "12,34,567": "type-error",
        "1'234,567": "type-error",
        ".": "type-error",
        "$5": "type-error",
        "1.2E+05": "spreadsheet-damage",
        "#VALUE!": "spreadsheet-damage",
    },
    "ratio": {
        "NaN": "type-error",
        "inf": "type-error",
        "-Infinity": "type-error",
        "1e999": "out-of-range",
        "0x1p3": "type-error",
    },
    "flag": {"tr": "type-error", "2": "type-error", "oui": "type-error", "#REF!": "spreadsheet-damage"},
    "day": {
        "today": "type-error",
        "epoch": "type-error",
        "infinity": "type-error",
        "J2451187": "type-error",
        "2023-02-29": "type-error",
        "2023-1-5": "type-error",
        "0044-03-15 BC": "type-error",
        "10000-01-01": "type-error",
        "2023-01-01 00:00": "type-error",
        "mar -01-05": "type-error",
        "44927": "spreadsheet-damage",
        "########": "spreadsheet-damage",
    },
    "clock": {
        "24:00": "type-error",
        "allballs": "type-error",
        "9": "type-error",
        "23:59:60": "type-error",
        "now": "type-error",
    },
    "moment": {
        "now": "type-error",
        "-infinity": "type-error",
        "2023-01-01 24:00:00": "type-error",
        "2023-01-01 05:00:60Z": "type-error",
        "2023-01-01 05:00:00.1234567Z": "type-error",
        "2023-02-30T05:00Z": "type-error",
        "2023-01-01 05:00 America/New_York": "type-error",
        "2023-01-01 05:00+99": "type-error",
    },
    "length": {"1 month": "type-error", "1": "type-error", "1 fortnight": "type-error", "P": "type-error"},
    "token": {
        "{12345678-1234-5678-1234-567812345678}": "type-error",
        "1234": "type-error",
        "1.23E+15": "spreadsheet-damage",
    },
    "extra": {
        "{a: 1}": "type-error",
        '"\\u0000"': "type-error",
        "NaN": "type-error",
        "[" * 100_000: "type-error",
        '{"a": ' * 501 + "1" + "}" * 501: "type-error",
        f'["{"]" * 501}", {"[" * 500}{"]" * 501}': "type-error",
        '{"a": [-1E+04300]}': "type-error",
        "1" * 4301: "type-error",
        f"[{', '.join(['1e131071'] * 9000)}]": "type-error",
    },
    "address": {"10.0.0.0/8": "type-error", "10.0.0": "type-error", "300.1.1.1": "type-error"},
    "size": {"M": "not-a-choice", "s": "not-a-choice", "Small": "not-a-choice", "#N/A": "spreadsheet-damage"},
    "level": {"3": "not-a-choice", "01": "not-a-choice"},
}


@pytest.mark.parametrize("key", BAD)
def test_each_invalid_cell_has_one_code(everythings: UploadType, key: str) -> None:
    cells = BAD[key]
    _, codes = one_column(everythings, key, list(cells), formats={})
    assert dict(zip(cells, codes, strict=True)) == cells


@pytest.mark.parametrize(
    ("key", "cells"),
    [
        ("moment", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"]),
        ("length", ["1000000000 days", "P1000000000D", "-1000000000 days", "-999999999 days -00:00:01"]),
    ],
)
def test_what_postgresql_can_keep_but_python_cannot_read(
    everythings: UploadType, key: str, cells: list[str | None]
) -> None:
    checked = check(
        everythings, [(cell, f"K{number}") for number, cell in enumerate(cells)], keys=(key, "code"), with_values=False
    )
    assert checked.problems == [(number, key, "out-of-range", cell) for number, cell in enumerate(cells, 1)]


def test_codes_that_a_spreadsheet_has_damaged_are_named_in_a_key(everythings: UploadType) -> None:
    cells = ["1.23E+15", "1,2E+05", "1-Mar", "Mar-01", "3月1日", "#N/A", "###", "#DIV/0!", "Err:502"]
    fine = ["1E15", "X-Mar", "march-01", "#12", "3月10", "1-3", "12E4"]
    checked = check(everythings, [(cell,) for cell in [*cells, *fine]], keys=("code",))
    assert checked.codes("code") == {number: ["spreadsheet-damage"] for number in range(1, len(cells) + 1)}
    assert checked.problems[0] == (1, "code", "spreadsheet-damage", "1.23E+15")


class Sales(UploadType):
    """Columns that say what an empty cell means."""

    model = Everything
    key = ("code", "small")
    columns = {
        "code": Column("Code"),
        "small": Column("Small"),
        "name": Column("Name", required=True),
        "note": Column("Note", empty="blank"),
        "big": Column("Big", required=True),
        "positive": Column("Positive", empty="default"),
        "size": Column("Size", empty="blank"),
        "level": Column("Level", choices={"hoch": 2, "tief": 1, "-": None}),
    }


def test_empty_is_not_blank_and_neither_is_absent() -> None:
    unquoted: list[str | None] = [None] * 8
    quoted: list[str | None] = [""] * 8
    blank: list[str | None] = [" "] * 8
    sales, key = Sales(), ("Code", "1")
    checked = check(
        sales,
        [[*key, "abc", "x", "1", "7", "S", "hoch"], [*key, *unquoted[2:]], [*key, *quoted[2:]], [*key, *blank[2:]]],
    )
    empty = {"code": "Code", "small": 1, "big": None, "positive": None, "level": None}
    assert checked.values == {
        1: {**empty, "name": "abc", "note": "x", "big": 1, "positive": 7, "size": "S", "level": 2},
        2: {**empty, "name": None, "note": "", "size": ""},
        3: {**empty, "name": "", "note": "", "size": ""},
        4: {**empty, "name": " ", "note": " ", "size": ""},
    }
    missing = [(record, key, code) for record, key, code, _ in checked.problems if code == "missing-value"]
    assert missing == [(2, "name", "missing-value"), (2, "big", "missing-value"), (3, "name", "missing-value"),
                       (3, "big", "missing-value"), (4, "big", "missing-value")]  # fmt: skip
    checked = check(sales, [[None, "", "-"], ["", " ", "nein"], [None, None, None]], keys=("code", "small", "level"))
    assert checked.codes("code") == {1: ["missing-key"], 2: ["missing-key"]}
    assert checked.codes("small") == {1: ["missing-key"], 2: ["missing-key"]}
    assert checked.codes("level") == {2: ["not-a-choice"]}
    assert checked.values.keys() == {1, 2}, "a blank record is not checked"
    assert checked.values[1].keys() == {"code", "small", "level"}, "an absent column has no value"


def test_records_that_are_not_valid_csv_are_left_out(everythings: UploadType) -> None:
    records = [(f"{TOKEN}:stray-quote", None), ("x", f"{TOKEN}:no")]
    checked = check(everythings, records, keys=("small", "code"))
    assert checked.values == {2: {"small": None, "code": f"{TOKEN}:no"}}
    assert checked.codes("small") == {2: ["type-error"]}


def test_a_local_time_that_does_not_exist_or_occurs_twice_is_an_error(everythings: UploadType, settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    cells = ["2024-01-01 12:00", "2024-03-31 02:30", "2024-10-27 02:30", "2024-10-27 02:30+02:00", "2024-10-27 03:00"]
    values, codes = one_column(everythings, "moment", [*cells, "2024-10-27 01:59:59.999999"], formats={})
    assert codes == ["", "type-error", "type-error", "", "", ""]
    assert [value and value.astimezone(datetime.UTC).isoformat() for value in values] == [
        "2024-01-01T11:00:00+00:00", None, None, "2024-10-27T00:30:00+00:00", "2024-10-27T02:00:00+00:00",
        "2024-10-26T23:59:59.999999+00:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "formats", "cells"),
    [
        (
            "day",
            ["%d/%m/%Y"],
            {"31/12/2023": "2023-12-31", "1/2/2023": "2023-02-01", "02/30/2023": None, "2023-01-01": None},
        ),
        (
            "day",
            ["%d.%m.%y", "%d-%b-%Y"],
            {"01.02.68": "2068-02-01", "01.02.69": "1969-02-01", "1-mar-2023": "2023-03-01"},
        ),
        ("day", ["%B %d, %Y"], {"February 29, 2024": "2024-02-29", "February 29, 2023": None, "Feb 1, 2023": None}),
        ("day", ["%Y年%m月%d日"], {"2023年1月5日": "2023-01-05"}),
        ("clock", ["%I:%M %p"], {"12:05 AM": "00:05:00", "1:05 pm": "13:05:00", "13:05 PM": None}),
        ("moment", ["%d/%m/%Y %H:%M:%S"], {"31/12/2023 23:59:59": "2023-12-31T23:59:59+00:00"}),
        ("moment", ["%Y%m%dT%H%M%S%z"], {"20230101T050000+0900": "2022-12-31T20:00:00+00:00", "20230101T050000": None}),
    ],
)
def test_declared_formats(everythings: UploadType, key: str, formats: list[str], cells: dict[str, str | None]) -> None:
    values, codes = one_column(everythings, key, list(cells), formats={key: ColumnFormat(dates=tuple(formats))})
    assert [value and value.isoformat() for value in values] == list(cells.values())
    assert codes == ["" if value else "type-error" for value in cells.values()]
