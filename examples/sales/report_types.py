"""The reports on the example shop. Copy one to start your own."""

from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from examples.sales.models import Country, Customer
from reports.types import SQL, Chart, ReportType, register

_YEARLY_SALES = """
    WITH lines AS (
        SELECT date_trunc('month', o.ordered_at AT TIME ZONE %(time_zone)s) AS month, p.category,
               o.id AS order_id, l.quantity, l.amount
        FROM sales_order o
        JOIN sales_order_line l ON l.order_id = o.id
        JOIN sales_product p ON p.id = l.product_id
        WHERE o.ordered_at >= timezone(%(time_zone)s, make_timestamp(%(year)s - 1, 1, 1, 0, 0, 0))
          AND o.ordered_at < timezone(%(time_zone)s, make_timestamp(%(year)s + 1, 1, 1, 0, 0, 0))
    ), months AS (
        SELECT month, category, count(DISTINCT order_id) AS orders, sum(quantity) AS units, sum(amount) AS revenue
        FROM lines
        GROUP BY month, category
    )
    SELECT to_char(month, 'YYYY-MM') AS month, category, this.orders, this.units, this.revenue,
           before.revenue AS revenue_year_before,
           round(100 * (this.revenue - before.revenue) / nullif(before.revenue, 0), 1) AS growth_percent
    FROM months this
    LEFT JOIN (SELECT month + interval '1 year' AS month, category, revenue FROM months) before USING (month, category)
    WHERE month >= make_timestamp(%(year)s, 1, 1, 0, 0, 0)
    ORDER BY this.month, category COLLATE "C"
"""


@register
class YearlySales(ReportType):
    """A small result that takes much work: a year by month and category, compared with the previous year."""

    identifier = "yearly-sales"
    title = _("Yearly sales")
    description = _("Orders, units and revenue of a year by month and category, compared with the previous year.")
    columns = {
        "month": _("Month"),
        "category": _("Category"),
        "orders": _("Orders"),
        "units": _("Units"),
        "revenue": _("Revenue (USD)"),
        "revenue_year_before": _("Revenue a year before (USD)"),
        "growth_percent": _("Growth (%)"),
    }
    chart = Chart(kind="line", x="month", y=["revenue"], by="category", title=_("Revenue by month (USD)"))
    query_columns = tuple(columns)

    class Parameters(serializers.Serializer[Any]):
        year = serializers.IntegerField(
            min_value=1990,
            max_value=2100,
            label=_("Year"),
            help_text=_("Calendar year, 1990 to 2100."),
            style={"relative": "year"},  # the form also offers "This year" and "Last year"
        )

    def query(self, parameters: dict[str, Any], user: AbstractBaseUser) -> SQL:
        return SQL(_YEARLY_SALES, {"year": parameters["year"], "time_zone": timezone.get_default_timezone_name()})


# The lines' index on (order, id) and the orders' primary key merge without a sort, and PostgreSQL caches the lookups of
# customers and products: rows flow from the start and nothing is written to disk. This is also the order of the line
# ids, wherever the lines of one order were stored before those of the next.
_ORDER_LINES = """
    SELECT l.id AS line_id, o.id AS order_id, o.ordered_at, o.channel,
           c.code AS customer_code, c.name AS customer_name, c.country,
           p.sku, p.name AS product_name, p.category,
           l.quantity, l.unit_price, l.discount_percent, l.amount, o.note AS order_note
    FROM sales_order_line l
    JOIN sales_order o ON o.id = l.order_id
    JOIN sales_customer c ON c.id = o.customer_id
    JOIN sales_product p ON p.id = l.product_id
    {where}
    ORDER BY l.order_id, l.id
"""


@register
class OrderLines(ReportType):
    """The giant one: every line, streamed in index order without a sort."""

    identifier = "order-lines"
    title = _("Order lines")
    description = _("Every order line, with its order, customer and product. All history, or a range of days.")
    query_columns = (
        "line_id", "order_id", "ordered_at", "channel", "customer_code", "customer_name", "country", "sku",
        "product_name", "category", "quantity", "unit_price", "discount_percent", "amount", "order_note",
    )  # fmt: skip

    class Parameters(serializers.Serializer[Any]):
        dateFrom = serializers.DateField(
            required=False, label=_("From"), help_text=_("First day, YYYY-MM-DD. Default: the first order.")
        )
        dateTo = serializers.DateField(
            required=False, label=_("To"), help_text=_("Last day, YYYY-MM-DD, inclusive. Default: the last order.")
        )

        def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
            date_from, date_to = attrs.get("dateFrom"), attrs.get("dateTo")
            if date_from and date_to and date_from > date_to:
                raise serializers.ValidationError({"dateTo": _("The last day must not be before the first day.")})
            return attrs

    def query(self, parameters: dict[str, Any], user: AbstractBaseUser) -> SQL:
        date_from, date_to = parameters.get("dateFrom"), parameters.get("dateTo")
        conditions = []
        if date_from:
            conditions.append("o.ordered_at >= timezone(%(time_zone)s, %(date_from)s::date::timestamp)")
        if date_to:
            # PostgreSQL adds the day: unlike Python's, its dates do not end with the year 9999.
            conditions.append("o.ordered_at < timezone(%(time_zone)s, (%(date_to)s::date + 1)::timestamp)")
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        values = {"date_from": date_from, "date_to": date_to, "time_zone": timezone.get_default_timezone_name()}
        return SQL(_ORDER_LINES.format(where=where), values)


@register
class Customers(ReportType):
    """Much text, written as a QuerySet: the other way to write a query."""

    identifier = "customers"
    title = _("Customers")
    description = _("Names, addresses and notes of all customers, with the total that each has bought.")
    query_columns = (
        "code", "name", "kana", "email", "phone", "country", "address", "notes", "order_count", "lifetime_revenue",
    )  # fmt: skip

    class Parameters(serializers.Serializer[Any]):
        country = serializers.ChoiceField(
            choices=Country.choices, required=False, label=_("Country"), help_text=_("Default: all countries.")
        )

    def query(self, parameters: dict[str, Any], user: AbstractBaseUser) -> QuerySet[Any, Any]:
        customers: QuerySet[Any, Any] = Customer.objects.all()
        if parameters.get("country"):
            customers = customers.filter(country=parameters["country"])
        totals = {
            "order_count": Count("orders", distinct=True),
            "lifetime_revenue": Coalesce(Sum("orders__lines__amount"), Decimal("0.00")),
        }
        customers = customers.annotate(**totals).order_by("id")
        return customers.values("code", "name", "kana", "email", "phone", "country", "address", "notes", *totals)
