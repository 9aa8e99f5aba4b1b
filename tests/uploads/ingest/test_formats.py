# ruff: noqa: DJ001, DJ008
"""The format of each column is decided from all its cells, and refused where they leave it open."""

import csv
import tracemalloc
from typing import Any

import pytest
from django.db import connection, models
from django.test.utils import isolate_apps
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tabular.spreadsheets import LineDefuser, defuse
from tests.support.staged import TOKEN, check, stage
from uploads.ingest.formats import AmbiguousFormatError, ColumnFormat, decide_formats
from uploads.types import Column, UploadType

pytestmark = pytest.mark.django_db

with isolate_apps("uploads"):

    class Entry(models.Model):
        """What a spreadsheet writes in many ways."""

        code = models.CharField(max_length=20, unique=True)
        name = models.CharField(max_length=100, null=True)
        day = models.DateField(null=True)
        moment = models.DateTimeField(null=True)
        price = models.DecimalField(max_digits=9, decimal_places=2, null=True)
        ratio = models.FloatField(null=True)

        class Meta:
            app_label = "uploads"


class Entries(UploadType):
    """All columns, called like their fields."""

    model = Entry
    key = ("code",)
    columns = {field.name: Column(field.name.title()) for field in Entry._meta.fields if field.name != "id"}


def decide(key: str, cells: list[str | None]) -> ColumnFormat:
    """The format of a column with these cells, beside a record that is not valid CSV."""
    stage([(f"{TOKEN}:31/31/2023 1,5,5", None), *((cell, f"K{number}") for number, cell in enumerate(cells))])
    return decide_formats(connection, Entries(), positions={key: 0, "code": 1}, token=TOKEN)[key]


@pytest.mark.parametrize(
    ("key", "cells", "dates"),
    [
        ("day", ["2023-01-05", "", None], ()),
        ("day", ["03/04/2026", "31/12/2026", "?"], ("%d/%m/%Y",)),
        ("day", ["03/04/2026", "12/31/2026"], ("%m/%d/%Y",)),
        ("day", ["3/3/2026", "4/4/2026"], ("%d/%m/%Y",)),
        ("day", ["03-04-26", "31-12-99"], ("%d-%m-%y",)),
        ("day", ["99/12/31", "98/01/01"], ("%y/%m/%d",)),
        ("day", ["1.2.2026"], ("%d.%m.%Y",)),
        ("day", ["20260102"], ("%Y%m%d",)),
        ("day", ["2026年1月2日"], ("%Y年%m月%d日",)),
        ("day", ["1-Mar-2026", "02-APR-2026"], ("%d-%b-%Y",)),
        ("day", ["March 1, 2026"], ("%B %d, %Y",)),
        ("day", ["2026-01-02", "2026-01-03", "31/12/2026"], ()),
        ("day", ["2026-01-02", "30/12/2026", "31/12/2026"], ("%d/%m/%Y",)),
        ("day", ["today", "44927"], ()),
        ("day", ["40/40/2026"], ()),
        ("moment", ["2023-01-01 05:00:00+00", "2023-01-01T05:00Z"], ()),
        (
            "moment",
            ["31/12/2026", "31/12/2026 4:05", "01/01/2026 04:05:06"],
            ("%d/%m/%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S"),
        ),
        ("moment", ["12/31/2026 4:05 PM"], ("%m/%d/%Y %I:%M %p",)),
    ],
)
def test_dates(key: str, cells: list[str | None], dates: tuple[str, ...]) -> None:
    assert decide(key, cells) == ColumnFormat(dates=dates)


def test_long_cells_of_a_column_of_dates_stay_in_the_database() -> None:
    cells: list[str | None] = ["x" * (500_000 + number) for number in range(20)]
    stage([(cell, "K") for cell in [*cells, "31/12/2026"]])
    tracemalloc.start()
    try:
        formats = decide_formats(connection, Entries(), positions={"day": 0, "code": 1}, token=TOKEN)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert formats["day"] == ColumnFormat(dates=("%d/%m/%Y",))
    assert peak < 5_000_000
    checked = check(Entries(), [(cell, f"K{number}") for number, cell in enumerate(cells)], keys=("day", "code"))
    assert checked.codes("day") == {number: ["type-error"] for number in range(1, 21)}


@pytest.mark.parametrize(
    ("cells", "samples", "formats"),
    [
        (
            ["03/04/2026", "05/06/2026", "x"],
            "03/04/2026, 05/06/2026",
            "DD/MM/YYYY / MM/DD/YYYY",
        ),
        (
            ["31/12/2026", "12/31/2026"],
            "12/31/2026, 31/12/2026",
            "DD/MM/YYYY / MM/DD/YYYY",
        ),
        (["01/02/03"], "01/02/03", "DD/MM/YY / MM/DD/YY / YY/MM/DD"),
    ],
)
def test_dates_that_leave_it_open_are_refused(
    cells: list[str | None], samples: str, formats: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AmbiguousFormatError) as error:
        decide("day", cells)
    assert error.value.code == "ambiguous-date"
    detail = f"The dates in the column “Day”, such as “{samples}”, fit more than one format: {formats}."
    assert str(error.value) == detail
    monkeypatch.setattr(Entries, "sensitive", ("day",))
    with pytest.raises(AmbiguousFormatError, match=r"^The dates in the column “Day” fit more than one format\.$"):
        decide("day", cells)


@pytest.mark.parametrize(
    ("cells", "decimal"),
    [
        (["1.5", "1.234"], "."),
        (["1,234.5", "1,234"], "."),
        (["1,234,567"], "."),
        (["1.234,56", "1.234"], ","),
        (["1234,56", "7"], ","),
        (["1.234.567"], ","),
        (["0,5", "x"], ","),
        (["1,2,3"], "."),
    ],
)
@pytest.mark.parametrize("key", ["price", "ratio"])
def test_decimal_separators(key: str, cells: list[str | None], decimal: Any) -> None:
    assert decide(key, cells) == ColumnFormat(decimal=decimal)


@pytest.mark.parametrize(
    ("cells", "detail"),
    [
        (["1,234", "7"], "it is not clear whether “1,234” has a decimal or a thousands separator."),
        (["1,5", "1.5"], "it is not clear what separates the decimals."),
    ],
)
def test_numbers_that_leave_it_open_are_refused(cells: list[str | None], detail: str) -> None:
    with pytest.raises(AmbiguousFormatError) as error:
        decide("price", cells)
    assert error.value.code == "ambiguous-decimal"
    assert str(error.value) == f"In the column “Price”, {detail}"


def test_what_is_decided_is_read_so() -> None:
    records = [
        ("A", "31/12/2026", "31.12.2026 04:05", "1.234,50", "-0,5"),
        ("B", "31/12/2026 04:05", "2026-12-31", "1,234,5", "1e-3"),
        ("C", None, "1.1.2027", None, None),
    ]
    checked = check(Entries(), records, keys=("code", "day", "moment", "price", "ratio"))
    assert {key: str(value) for key, value in checked.values[1].items()} == {
        "code": "A", "day": "2026-12-31", "moment": "2026-12-31 04:05:00+00:00", "price": "1234.50", "ratio": "-0.5"
    }  # fmt: skip
    assert [problem[1:3] for problem in checked.problems] == [
        ("day", "type-error"),
        ("moment", "type-error"),
        ("price", "type-error"),
    ]


STARTS = ("", "=", "-", " +", "\u3000@", "a;=", 'x,"', "a\n-", "|1+", '="01"', "it's")
TEXTS = st.tuples(st.sampled_from(STARTS), st.text('=-a1;,\n"\u00e9 ')).map("".join)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, min_size=1), delimiter=st.sampled_from(",;\t"))
@example(texts=["=1", "a;=b", "c,=d", "e\n-f", "g'h"], delimiter=",")
def test_texts_of_a_report_come_back_unchanged(texts: list[str], delimiter: str) -> None:
    """Both as `tabular.spreadsheets` guards them, and unguarded."""
    line = delimiter.join('"{}"'.format(defuse(text).replace('"', '""')) for text in texts)
    written = LineDefuser(delimiter=delimiter).defuse(f"{line}\n".encode()).decode()
    cells = next(csv.reader([written], delimiter=delimiter))
    assert read_again(cells, delimiter) == (texts if any(map(starts_formula, texts)) else cells)
    assert read_again(texts, delimiter) == texts


def read_again(cells: list[str], delimiter: str) -> list[str]:
    """The values of the column `name`, between one that no spreadsheet wraps, and a key."""
    records = [(cell, f"K{number}") for number, cell in enumerate([*cells, "unwrapped"])]
    stage(records)
    positions = {"name": 0, "code": 1}
    formats = decide_formats(connection, Entries(), positions=positions, token=TOKEN, delimiter=delimiter)
    checked = check(Entries(), records, keys=("name", "code"), formats=formats)
    return [checked.values[number]["name"] for number in range(1, len(cells) + 1)]


def starts_formula(text: str) -> bool:
    return defuse(text) != text


def test_wrapped_texts() -> None:
    assert decide("name", ['="007"', '="x"', None]) == ColumnFormat(wrapped=True)
    assert decide("name", ['="007"', "x"]) == ColumnFormat()
    checked = check(Entries(), [('="00123"', '="007"')], keys=("code", "name"))
    assert checked.values[1] == {"code": "00123", "name": "007"}
