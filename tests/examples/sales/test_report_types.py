"""The example reports give what Python computes from the same rows."""

import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import QuerySet
from pytest_django import Settings

from examples.sales.models import Customer, Order, OrderLine, Product
from examples.sales.report_types import Customers, OrderLines, YearlySales
from examples.sales.seeding import seed_sales
from reports.types import SQL, ReportType

ORDER_LINE_COLUMNS = [
    *("line_id", "order_id", "ordered_at", "channel", "customer_code", "customer_name", "country", "sku"),
    *("product_name", "category", "quantity", "unit_price", "discount_percent", "amount", "order_note"),
]


def run(report_type: ReportType, **parameters: Any) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Validate `parameters` as an order does, run the query; column names and rows."""
    serializer = report_type.Parameters(data=parameters)
    serializer.is_valid(raise_exception=True)
    query = report_type.query(dict(serializer.validated_data), get_user_model()())
    if isinstance(query, QuerySet):
        return list(query.query.selected or ()), [tuple(row.values()) for row in query]
    assert isinstance(query, SQL)
    with connection.cursor() as cursor:
        cursor.execute(query.text, query.params)
        return [column.name for column in cursor.description], cursor.fetchall()


def expected_yearly_sales(year: int, zone: ZoneInfo) -> list[tuple[Any, ...]]:
    orders = defaultdict(set)
    units: dict[tuple[int, int, str], int] = defaultdict(int)
    revenue: dict[tuple[int, int, str], Decimal] = defaultdict(Decimal)
    for line in OrderLine.objects.select_related("order", "product"):
        moment = line.order.ordered_at.astimezone(zone)
        key = moment.year, moment.month, line.product.category
        orders[key].add(line.order_id)
        units[key] += line.quantity
        revenue[key] += line.amount
    rows: list[tuple[Any, ...]] = []
    for sold_in, month, category in sorted(key for key in orders if key[0] == year):
        now, base = revenue[sold_in, month, category], revenue.get((year - 1, month, category))
        growth = (100 * (now - base) / base).quantize(Decimal("0.1"), ROUND_HALF_UP) if base else None
        key = sold_in, month, category
        rows.append((f"{year}-{month:02}", category, len(orders[key]), units[key], now, base, growth))
    return rows


def expected_order_lines(first: date, last: date, zone: ZoneInfo) -> list[tuple[Any, ...]]:
    lines = OrderLine.objects.select_related("order__customer", "product").order_by("id")
    return [
        (
            line.pk, line.order.pk, line.order.ordered_at, line.order.channel, line.order.customer.code,
            line.order.customer.name, line.order.customer.country, line.product.sku, line.product.name,
            line.product.category, line.quantity, line.unit_price, line.discount_percent, line.amount, line.order.note,
        )
        for line in lines
        if first <= line.order.ordered_at.astimezone(zone).date() <= last
    ]  # fmt: skip


@pytest.mark.parametrize("year", [2018, 2019, 2020, 2023, 2024])
def test_yearly_sales_equals_a_count_in_python(shop: int, year: int) -> None:
    names, rows = run(YearlySales(), year=str(year))
    assert names == list(YearlySales.columns)
    assert rows == expected_yearly_sales(year, ZoneInfo("UTC"))
    assert bool(rows) == (2019 <= year <= 2023)


def test_yearly_sales_cuts_months_in_the_time_zone_of_the_service(shop: int, settings: Settings) -> None:
    in_utc = run(YearlySales(), year=2023)[1]
    settings.TIME_ZONE = "Asia/Tokyo"
    in_tokyo = run(YearlySales(), year=2023)[1]
    assert in_tokyo == expected_yearly_sales(2023, ZoneInfo("Asia/Tokyo"))
    assert in_tokyo != in_utc


def test_yearly_sales_has_no_base_in_the_first_year_and_for_new_categories(shop: int) -> None:
    assert {(row[5], row[6]) for row in run(YearlySales(), year=2019)[1]} == {(None, None)}
    robots = [row for row in run(YearlySales(), year=2023)[1] if row[1] == "Home robots"]
    assert robots
    assert {(row[5], row[6]) for row in robots} == {(None, None)}


@pytest.mark.django_db
def test_yearly_sales_growth_is_null_where_the_base_is_zero() -> None:
    customer = Customer.objects.create(code="C1", name="A", country="JP", address="-")
    product = Product.objects.create(sku="P1", name="P", category="Free", list_price=0)
    for year, amount in [(2022, "0.00"), (2023, "9.99")]:
        order = Order.objects.create(customer=customer, ordered_at=datetime(year, 2, 1, tzinfo=UTC), channel="web")
        OrderLine.objects.create(order=order, product=product, quantity=2, unit_price="9.99", amount=amount)
    assert run(YearlySales(), year=2023)[1] == [
        ("2023-02", "Free", 1, 2, Decimal("9.99"), Decimal("0.00"), None),
    ]


@pytest.mark.parametrize("year", ["1989", "2101", "twenty", "", None])
def test_yearly_sales_refuses_other_years(year: str | None) -> None:
    serializer = YearlySales.Parameters(data={"year": year})
    assert not serializer.is_valid()
    assert list(serializer.errors) == ["year"]


def test_order_lines_of_all_history(shop: int) -> None:
    names, rows = run(OrderLines())
    assert names == ORDER_LINE_COLUMNS
    assert len(rows) == shop
    assert rows == expected_order_lines(date.min, date.max, ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("first", "last"),
    [(date(2023, 3, 1), date(2023, 3, 31)), (date(2019, 1, 9), date(2019, 1, 9)), (date(1, 1, 1), date(9999, 12, 31))],
)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_order_lines_of_a_range_of_days(shop: int, settings: Settings, zone: str, first: date, last: date) -> None:
    settings.TIME_ZONE = zone
    _, rows = run(OrderLines(), dateFrom=first.isoformat(), dateTo=last.isoformat())
    assert rows
    assert rows == expected_order_lines(first, last, ZoneInfo(zone))


def test_order_lines_open_on_one_side(shop: int) -> None:
    split = date(2021, 6, 15)
    before = run(OrderLines(), dateTo=split.isoformat())[1]
    after = run(OrderLines(), dateFrom=(split + timedelta(days=1)).isoformat())[1]
    assert before
    assert after
    assert before + after == run(OrderLines())[1]


def test_order_lines_refuses_a_range_that_ends_before_it_starts() -> None:
    serializer = OrderLines.Parameters(data={"dateFrom": "2023-02-01", "dateTo": "2023-01-31"})
    assert not serializer.is_valid()
    assert serializer.errors == {"dateTo": ["The last day must not be before the first day."]}


@pytest.mark.slow
@pytest.mark.django_db
def test_order_lines_streams_without_a_sort_once_the_shop_is_big() -> None:
    list(seed_sales(lines=200_000, using="default"))
    query = OrderLines().query({}, get_user_model()())
    assert isinstance(query, SQL)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {query.text}", query.params)
        (plan,) = cursor.fetchone()
    plan = plan if isinstance(plan, str) else json.dumps(plan)
    assert "Sort" not in plan
    assert "Gather" not in plan


@pytest.mark.parametrize("country", [None, "JP", "GR"])
def test_customers_equals_a_count_in_python(shop: int, country: str | None) -> None:
    names, rows = run(Customers(), **({"country": country} if country else {}))
    assert names == [
        "code", "name", "kana", "email", "phone", "country", "address", "notes", "order_count", "lifetime_revenue"
    ]  # fmt: skip
    expected = []
    for c in Customer.objects.order_by("id").prefetch_related("orders__lines"):
        revenue = sum((line.amount for order in c.orders.all() for line in order.lines.all()), Decimal("0.00"))
        if country in (None, c.country):
            counted = (len(c.orders.all()), revenue)
            expected.append((c.code, c.name, c.kana, c.email, c.phone, c.country, c.address, c.notes, *counted))
    assert rows == expected
    assert any(row[8] == 0 and row[9] == 0 for row in rows)


def test_customers_refuses_an_unknown_country() -> None:
    serializer = Customers.Parameters(data={"country": "XX"})
    assert not serializer.is_valid()
    assert list(serializer.errors) == ["country"]


@pytest.mark.parametrize("report_type", [YearlySales(), OrderLines(), Customers()])
def test_parameters_say_what_they_are(report_type: ReportType) -> None:
    for field in report_type.Parameters().fields.values():
        assert field.label
        assert field.help_text


@pytest.mark.django_db
@pytest.mark.parametrize("report_type", [YearlySales(), OrderLines(), Customers()])
def test_the_columns_that_a_type_tells_are_those_of_its_query(report_type: ReportType) -> None:
    columns, _ = run(report_type, **({"year": 2023} if isinstance(report_type, YearlySales) else {}))
    assert list(report_type.query_columns) == columns
