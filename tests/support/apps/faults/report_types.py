"""Reports that stream for as long as a test needs, or fail as it wants. Only the user `faults` may order them."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

from rest_framework import serializers

from examples.sales.models import Customer, OrderLine, Product
from reports.types import SQL, ReportType, register
from tests.support.apps.faults.gate import LOCK


@register
class SlowRows(ReportType):
    """`rows` rows, each after `seconds`."""

    identifier = "slow-rows"
    title = "Slow rows"

    class Parameters(serializers.Serializer[Any]):
        rows = serializers.IntegerField()
        seconds = serializers.FloatField()

    def query(self, parameters: dict[str, Any], user: Any) -> SQL:
        return SQL(
            "SELECT number, repeat('x', 500) AS filler, pg_sleep(%s) AS nothing FROM generate_series(1, %s) AS number",
            [parameters["seconds"], parameters["rows"]],
        )

    def may_order(self, user: Any) -> bool:
        return bool(user.username == "faults")

    def estimate(self, parameters: dict[str, Any], user: Any) -> int:
        return int(parameters["rows"])


@register
class GatedLines(ReportType):
    """The order lines of the example; in their midst, it stops while the gate of `tests.support.gates` is closed."""

    identifier = "gated-lines"
    title = "Gated lines"

    def query(self, parameters: dict[str, Any], user: Any) -> SQL:
        return SQL(
            "SELECT id, quantity, amount, CASE WHEN row_number() OVER (ORDER BY id) = %s"
            " THEN pg_advisory_xact_lock_shared(%s)::text END AS gate FROM sales_order_line ORDER BY id",
            [OrderLine.objects.count() * 2 // 3, LOCK],
        )

    def may_order(self, user: Any) -> bool:
        return bool(user.username == "faults")

    def estimate(self, parameters: dict[str, Any], user: Any) -> int:
        return OrderLine.objects.count()


@register
class Shares(ReportType):
    """Divides in the database: by 0 too, if it is told to."""

    identifier = "shares"
    title = "Shares"

    class Parameters(serializers.Serializer[Any]):
        divisor = serializers.IntegerField(help_text="What is shared is divided by it.")
        apiKey = serializers.CharField()

    def query(self, parameters: dict[str, Any], user: Any) -> SQL:
        return SQL("SELECT number / %s AS share FROM generate_series(1, 10) AS number", [parameters["divisor"]])

    def may_order(self, user: Any) -> bool:
        return bool(user.username == "faults")


def hang() -> None:
    """Heeds no signal that can be blocked."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    time.sleep(3600)


def spin() -> None:
    while True:
        pass


def eat() -> None:
    eaten = []
    while True:
        eaten.append(bytearray(10_000_000))


def fail() -> None:
    raise RuntimeError("password=hunter2hunter2 is wrong")


WAYS: dict[str, Callable[[], Any]] = {
    "behave": lambda: None,
    "eat": eat,
    "exit": lambda: os._exit(0),
    "hang": hang,
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "print": lambda: os.write(1, b"\x00\xff{}\n" * 1000),
    "raise": fail,
    "sleep": lambda: time.sleep(3600),
    "spin": spin,
}


@register
class Unruly(ReportType):
    """Its code does what a type's code must not do, before it returns its query."""

    identifier = "unruly"
    title = "Unruly"

    class Parameters(serializers.Serializer[Any]):
        how = serializers.ChoiceField(choices=sorted(WAYS))

    def query(self, parameters: dict[str, Any], user: Any) -> SQL:
        WAYS[parameters["how"]]()
        return SQL("SELECT number FROM generate_series(1, 3) AS number")

    def may_order(self, user: Any) -> bool:
        return bool(user.username == "faults")


@register
class Vault(ReportType):
    """Digests of its secrets, which say that they have arrived. Each is declared in another way."""

    identifier = "vault"
    title = "Vault"
    sensitive = ("pin",)

    class Parameters(serializers.Serializer[Any]):
        class Account(serializers.Serializer[Any]):
            name = serializers.CharField()
            code = serializers.CharField(write_only=True)

        city = serializers.CharField()
        password = serializers.CharField(write_only=True)
        note = serializers.CharField(write_only=True, required=False)
        pin = serializers.IntegerField(required=False)
        account = Account(required=False)

    def query(self, parameters: dict[str, Any], user: Any) -> SQL:
        account = parameters.get("account") or {}
        secrets = [parameters["password"], parameters.get("note"), parameters.get("pin"), account.get("code")]
        return SQL("SELECT " + ", ".join(f"md5(%s::text) AS s{n}" for n in range(4)), secrets)

    def may_order(self, user: Any) -> bool:
        return bool(user.username == "faults")


@register
class CustomersOrders(ReportType):
    """The parameters name rows: of a table that is searched, and of one that may be listed."""

    identifier = "orders-of-a-customer"
    title = "Orders of a customer"

    class Parameters(serializers.Serializer[Any]):
        customer = serializers.PrimaryKeyRelatedField(
            queryset=Customer.objects.all(), label="Customer", help_text="A name, or a code."
        )
        product = serializers.SlugRelatedField(
            slug_field="sku", queryset=Product.objects.all(), required=False, label="Product"
        )

    def query(self, parameters: dict[str, Any], user: Any) -> SQL:
        return SQL("SELECT id FROM sales_order WHERE customer_id = %s", [parameters["customer"].pk])

    def may_order(self, user: Any) -> bool:
        return bool(user.username == "faults")
