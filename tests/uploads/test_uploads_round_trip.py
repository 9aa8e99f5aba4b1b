"""A report that is uploaded again, as it is, changes nothing, however it was written."""

import gzip
import os
import re
from collections.abc import Iterable
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework import serializers

from examples.sales.models import Customer, Order, OrderLine, Product
from examples.sales.seeding import seed_sales
from jobs.states import State
from reports.types import REPORT_TYPES, SQL, ReportType
from tabular.dialect import DELIMITERS, ENCODINGS
from tabular.spreadsheets import BLANKS, SIGNS
from tests.support.apps.warehouse.models import Snippet
from tests.support.uploads import report, upload

pytestmark = pytest.mark.django_db(transaction=True)

Row = tuple[str, str | None, str | None]
MANY = int(os.environ.get("FUZZ_EXAMPLES", "300"))
NAUGHTY: list[Row] = [
    ("null and empty", None, ""),
    ("empty and null", "", None),
    ("0001", "007", "+49 30 123"),
    ("formulas", "=1+1", "-5"),
    ("more formulas", "@SUM(A1)", "\t=1"),
    ("quotes", '5" pipe', '"'),
    ("delimiters", "a,b;c|d\te", ",;|\t"),
    ("line breaks", "one\ntwo", "cr\rcrlf\r\n"),
    ("formulas within", "a;=1", "one\n=2,-x"),
    ("blanks", "  padded  ", " "),
    ("PostgreSQL", "\\.", "\\N"),
    ("words", "NULL", "#N/A"),
    ("damage", "1.23E+15", "1-Mar"),
    ("apostrophes", "'tis", "it's"),
    ("emoji", "😀", "👩\u200d👩\u200d👧"),
    ("Japanese", "髙橋①ソ表", "ﾊﾝｶｸ"),
    ("kanji", "高橋", "株式会社"),
    ("Latin", "éñß", "¿Qué?"),
    ("invisible", "\u200b", "\ufeff"),
    ("other line breaks", "\x0b\x0c\x85", "\u2028"),
]
#: Nobody can tell these from a text that a spreadsheet-safe report has guarded, or that tells spreadsheets to keep it.
AMBIGUOUS = re.compile(f'\'[\t\r\n{BLANKS}"]*[\t\r\n{"".join(SIGNS)}−]|^="')


@pytest.fixture
def manager(owner: User) -> User:
    """May upload all types."""
    owner.is_superuser = True
    owner.save()
    return owner


@pytest.fixture
def reports_of_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Report types that have no upload beside them in the example; gone afterwards."""

    class Whole(ReportType):
        class Parameters(serializers.Serializer[Any]):
            pass

    class Snippets(Whole):
        identifier = "snippets"
        title = "Snippets"

        def query(self, parameters: dict[str, Any], user: Any) -> SQL:
            return SQL("SELECT name, text, more FROM warehouse_snippet ORDER BY id")

    class Products(Whole):
        identifier = "products"
        title = "Products"

        def query(self, parameters: dict[str, Any], user: Any) -> Any:
            return Product.objects.order_by("id").values("sku", "name", "category", "list_price")

    monkeypatch.setattr(REPORT_TYPES, "_types", dict(REPORT_TYPES._types))
    REPORT_TYPES.register(Snippets)
    REPORT_TYPES.register(Products)


def can_hold(encoding: str, texts: Iterable[str | None]) -> bool:
    """Whether these texts are the same after a report in the encoding. Some codecs write two characters alike."""
    try:
        return all(text is None or text.encode(encoding).decode(encoding) == text for text in texts)
    except UnicodeEncodeError:
        return False


def fit_shop(encoding: str) -> None:
    """Replace what the encoding lacks in the texts of the shop."""
    if encoding.startswith("utf"):
        return
    for model, names in (
        (Customer, ("name", "kana", "address", "notes", "email", "phone")),
        (Product, ("name", "category")),
        (Order, ("note",)),
    ):
        rows: list[Any] = list(model._default_manager.all())
        for row in rows:
            for name in names:
                if (text := getattr(row, name)) is not None:
                    setattr(row, name, text.encode(encoding, "replace").decode(encoding))
        model._default_manager.bulk_update(rows, names)


def assert_unchanged(owner: User, identifier: str, rows: int, **csv: Any) -> None:
    """Report and upload: each row is as it was, in the table as in the plan."""
    content = report(owner, identifier, **csv)
    content = gzip.decompress(content) if csv.get("compression") == "gzip" else content
    declared = {"encoding": None if csv["encoding"].startswith("utf") else csv["encoding"], "delimiter": None}
    job = upload(owner, identifier, content, csv=declared)
    assert job.state == State.SUCCEEDED, (csv, job.result)
    shown = (job.result or {})["upload"]
    assert (shown["rowsUnchanged"], shown["rowsTotal"]) == (rows, rows), (csv, shown)
    assert shown["delimiter"] == csv["delimiter"]


def fill(rows: Iterable[Row]) -> int:
    Snippet.objects.all().delete()
    return len(Snippet.objects.bulk_create(Snippet(name=name, text=text, more=more) for name, text, more in rows))


def seed(lines: int) -> None:
    for _ in seed_sales(lines=lines, using="default"):
        pass


def shop_counts() -> dict[str, int]:
    return {
        "order-lines": OrderLine.objects.count(),
        "customers": Customer.objects.count(),
        "products": Product.objects.count(),
    }


def test_each_encoding_comes_back_unchanged(manager: User, reports_of_tables: None) -> None:
    for number, encoding in enumerate(ENCODINGS):
        rows = fill(row for row in NAUGHTY if can_hold(encoding, row))
        assert rows >= 13
        csv = {"encoding": encoding, "delimiter": DELIMITERS[number % len(DELIMITERS)]}
        assert_unchanged(manager, "snippets", rows, spreadsheetSafe=number % 2 == 0, compression="none", **csv)


def test_the_reports_of_the_shop_come_back_unchanged(manager: User, reports_of_tables: None) -> None:
    seed(200)
    counts = shop_counts()
    for number, (identifier, encoding) in enumerate(
        [("order-lines", "utf-8"), ("customers", "utf-16"), ("products", "utf-8-sig"), ("customers", "utf-8")]
    ):
        csv = {"encoding": encoding, "delimiter": DELIMITERS[number], "compression": ("none", "gzip")[number % 2]}
        assert_unchanged(manager, identifier, counts[identifier], spreadsheetSafe=number != 2, **csv)
    for identifier, encoding in (("customers", "cp932"), ("order-lines", "euc_jp")):
        fit_shop(encoding)
        assert_unchanged(manager, identifier, counts[identifier], encoding=encoding, delimiter=";")


@pytest.mark.fuzz
@pytest.mark.timeout(0)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_each_report_in_each_dialect_comes_back_unchanged(
    manager: User, encoding: str, reports_of_tables: None
) -> None:
    seed(2000)
    fit_shop(encoding)
    counts = {**shop_counts(), "snippets": fill(row for row in NAUGHTY if can_hold(encoding, row))}
    for delimiter in DELIMITERS:
        for is_safe in (True, False):
            for identifier, rows in counts.items():
                csv = {"encoding": encoding, "delimiter": delimiter, "spreadsheetSafe": is_safe}
                assert_unchanged(manager, identifier, rows, compression="gzip" if is_safe else "none", **csv)


texts = st.none() | st.text(
    st.sampled_from([*",;|\t\"'\r\n=+-@ \\.#", "é", "表", "ｱ", "😀", "\u200b", "\ufeff", "\u3000", "a", "0"])
    | st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    max_size=8,
).filter(lambda text: not AMBIGUOUS.search(text))  # fmt: skip
tables = st.lists(st.tuples(texts, texts), min_size=1, max_size=5)
dialects = st.fixed_dictionaries(
    {
        "encoding": st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
        "delimiter": st.sampled_from(DELIMITERS),
        "spreadsheetSafe": st.booleans(),
    }
)


def check_table(manager: User, cells: list[tuple[str | None, str | None]], csv: dict[str, Any]) -> None:
    rows = fill((f"row {number}", text, more) for number, (text, more) in enumerate(cells))
    assert_unchanged(manager, "snippets", rows, **csv)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(cells=tables, csv=dialects)
def test_any_table_comes_back_unchanged(
    manager: User, reports_of_tables: None, cells: list[tuple[str | None, str | None]], csv: dict[str, Any]
) -> None:
    check_table(manager, cells, csv)


@pytest.mark.fuzz
@pytest.mark.timeout(0)
@settings(max_examples=MANY, deadline=None, suppress_health_check=list(HealthCheck))
@given(cells=tables, csv=dialects)
def test_any_table_comes_back_unchanged_for_long(
    manager: User, reports_of_tables: None, cells: list[tuple[str | None, str | None]], csv: dict[str, Any]
) -> None:
    check_table(manager, cells, csv)
