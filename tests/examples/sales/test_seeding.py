"""The sample data: exact, the same everywhere, believable, and awkward where real data are."""

from collections import Counter
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

import pytest
from django.db import connection
from django.db.models import Count, F, Max, Min, Sum

from examples.sales.models import Customer, Order, OrderLine, Product
from examples.sales.seeding import seed_sales
from tabular.spreadsheets import FORMULA_STARTS

TABLES = ("sales_product", "sales_customer", "sales_order", "sales_order_line")
CENT = Decimal("0.01")


def checksums() -> dict[str, str]:
    """MD5 over all rows of each table, as text in the order of their ids."""
    result = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT md5(string_agg(t::text, chr(10) ORDER BY id)) FROM {table} t")  # noqa: S608
            (result[table],) = cursor.fetchone()
    return result


def definitions() -> set[str]:
    """The indexes and constraints of the tables, as SQL."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = ANY (%s) UNION ALL "
            "SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = ANY (%s::regclass[])",
            [list(TABLES), list(TABLES)],
        )
        return {definition for (definition,) in cursor.fetchall()}


def encodable(text: str) -> bool:
    try:
        text.encode("cp932")
    except UnicodeEncodeError:
        return False
    return True


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("lines", "orders"), [(0, 0), (1, 1), (29, 10), (30, 10), (31, 11), (1000, 334), (10_007, 3338)]
)
def test_makes_exactly_the_lines_that_were_asked_for(lines: int, orders: int) -> None:
    steps = list(seed_sales(lines=lines, using="default"))

    assert [(step.table, step.rows) for step in steps] == [
        ("sales_product", 480),
        ("sales_customer", max(200, lines // 40)),
        ("sales_order", orders),
        ("sales_order_line", lines),
    ]
    assert [model.objects.count() for model in (Product, Customer, Order, OrderLine)] == [s.rows for s in steps]
    assert OrderLine.objects.aggregate(Min("id"), Max("id")) == {
        "id__min": 1 if lines else None,
        "id__max": lines or None,
    }
    assert not Order.objects.filter(lines=None).exists()


@pytest.mark.django_db
def test_refuses_a_negative_number() -> None:
    with pytest.raises(ValueError, match=r"^lines must be 0 or more, not -1$"):
        list(seed_sales(lines=-1, using="default"))


def test_makes_the_same_rows_on_every_machine(shop: int) -> None:
    assert checksums() == {
        "sales_product": "168d0d745f2fe0d674a271dae80acfe2",
        "sales_customer": "5369faf7a904e84ae0d1ce6c01e0846f",
        "sales_order": "77bc87b2283baefb36ef2f55b9dd076d",
        "sales_order_line": "cdf1ebf8351afb306bccf249607f4a12",
    }


def test_makes_the_same_rows_whatever_was_there_before(shop: int) -> None:
    first = checksums()
    list(seed_sales(lines=31, using="default"))
    Order.objects.create(customer_id=1, ordered_at=datetime(2024, 1, 1, tzinfo=UTC), channel="web")
    list(seed_sales(lines=shop, using="default"))
    assert checksums() == first


def test_same_rows_whatever_the_time_zone_of_the_session(shop: int) -> None:
    first = checksums()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TimeZone = 'America/New_York'")
        list(seed_sales(lines=shop, using="default"))
        cursor.execute("SET LOCAL TimeZone = 'UTC'")
    assert checksums() == first


@pytest.mark.django_db
def test_leaves_indexes_constraints_and_sequences_as_migrations_made_them() -> None:
    before = definitions()
    list(seed_sales(lines=100, using="default"))
    assert definitions() == before
    assert any("sales_order_line_order_id_id" in definition for definition in before)
    assert any("FOREIGN KEY (product_id)" in definition for definition in before)
    assert Order.objects.create(customer_id=1, ordered_at=datetime(2024, 1, 1, tzinfo=UTC)).pk == 36


def test_stopping_halfway_changes_nothing(shop: int) -> None:
    rows, schema = checksums(), definitions()
    half_done = seed_sales(lines=5, using="default")
    assert next(half_done).table == "sales_product"
    half_done.close()
    assert (checksums(), definitions()) == (rows, schema)


def test_history_runs_from_2019_to_2023_and_ids_follow_time(shop: int) -> None:
    moments = list(Order.objects.order_by("id").values_list("ordered_at", flat=True))
    assert moments == sorted(moments)
    assert Counter(moment.year for moment in moments) == {2019: 53, 2020: 59, 2021: 63, 2022: 73, 2023: 86}


@pytest.mark.django_db
def test_sales_have_a_season_and_grow() -> None:
    list(seed_sales(lines=20_000, using="default"))
    units = dict(
        OrderLine.objects.values_list("order__ordered_at__year", "order__ordered_at__month")
        .annotate(units=Sum("quantity"))
        .values_list(F("order__ordered_at__year") * 100 + F("order__ordered_at__month"), "units")
    )
    for year in range(2019, 2024):
        assert units[year * 100 + 12] > units[year * 100 + 6]
        assert units[year * 100 + 3] > units[year * 100 + 2]
    assert sum(u for month, u in units.items() if month > 202300) > sum(u for m, u in units.items() if m < 202000)
    weekdays = dict(Order.objects.values_list("ordered_at__iso_week_day").annotate(Count("id")))
    assert weekdays[6] > weekdays[2]


@pytest.mark.django_db
def test_few_customers_and_products_make_most_of_the_sales() -> None:
    list(seed_sales(lines=20_000, using="default"))
    per_customer = sorted(Counter(Order.objects.values_list("customer_id", flat=True)).values(), reverse=True)
    per_product = sorted(Counter(OrderLine.objects.values_list("product_id", flat=True)).values(), reverse=True)
    assert sum(per_customer[:50]) > 0.4 * sum(per_customer)  # a tenth of the customers
    assert sum(per_product[:48]) > 0.35 * sum(per_product)  # a tenth of the products


@pytest.mark.django_db
def test_home_robots_are_sold_from_april_2023_only() -> None:
    list(seed_sales(lines=20_000, using="default"))
    robots = OrderLine.objects.filter(product__category="Home robots")
    assert robots.exists()
    assert robots.earliest("order__ordered_at").order.ordered_at >= datetime(2023, 4, 1, tzinfo=UTC)


def test_amounts_are_quantity_times_price_less_discount(shop: int) -> None:
    for line in OrderLine.objects.select_related("product", "order"):
        years = line.order.ordered_at.year - 2019
        price = (line.product.list_price * (100 + 2 * years) / 100).quantize(CENT, ROUND_HALF_UP)
        assert line.unit_price == price > 0
        amount = line.quantity * price * (100 - line.discount_percent) / 100
        assert line.amount == amount.quantize(CENT, ROUND_HALF_UP)


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_notes_have_every_start_that_a_spreadsheet_may_run(shop: int, start: str) -> None:
    assert Order.objects.filter(note__startswith=start).exists()


@pytest.mark.parametrize(
    "piece",
    [",", '"', "\n", "\r\n", ";", "\t", "|", "\\N", "=SUM(A1)", "+81-3-", "-5 % discount", "@handle", "🎁", "午前中"],
)
def test_notes_have_what_breaks_careless_csv(shop: int, piece: str) -> None:
    assert Order.objects.filter(note__contains=piece).exists()


def test_optional_text_is_null_empty_or_given(shop: int) -> None:
    notes = Counter(type(note) if note else note for note in Order.objects.values_list("note", flat=True))
    assert notes == {None: 285, "": 2, str: 47}
    for field in ("kana", "email", "phone", "notes"):
        assert 0 < Customer.objects.filter(**{field: None}).count() < Customer.objects.count()


def test_customers_are_of_all_countries_in_their_own_letters(shop: int) -> None:
    assert set(Customer.objects.values_list("country", flat=True)) == {"JP", "US", "GB", "DE", "FR", "PL", "GR"}
    assert Customer.objects.filter(country="JP", name__contains="佐藤", kana__startswith="サトウ").exists()
    assert Customer.objects.filter(address__contains="\r\n").exists()


@pytest.mark.django_db
def test_cp932_fails_for_few_names_and_notes_and_for_no_product() -> None:
    list(seed_sales(lines=20_000, using="default"))
    products = Product.objects.values_list("name", "category")
    assert all(encodable(name) and encodable(category) for name, category in products)
    for rows, most in [
        (Customer.objects.values_list("name", flat=True), 0.05),
        (Order.objects.exclude(note=None).values_list("note", flat=True), 0.05),
    ]:
        failing = sum(not encodable(text or "") for text in rows)
        assert 0 < failing < most * len(rows)
