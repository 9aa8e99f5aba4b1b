"""`manage.py seed_sales`."""

import io
import re

import pytest
from django.core.management import CommandError, call_command

from examples.sales.models import Order, OrderLine
from tests.support.threads import Threads


def seed(*arguments: str) -> list[str]:
    """The lines that the command prints."""
    out = io.StringIO()
    call_command("seed_sales", *arguments, stdout=out)
    return out.getvalue().splitlines()


@pytest.mark.django_db
def test_prints_a_line_for_each_table() -> None:
    printed = [re.sub(r"\d+\.\d s$", "0.0 s", line).split() for line in seed("--lines", "2000")]
    assert printed == [
        ["sales_product", "480", "rows", "0.0", "s"],
        ["sales_customer", "200", "rows", "0.0", "s"],
        ["sales_order", "668", "rows", "0.0", "s"],
        ["sales_order_line", "2,000", "rows", "0.0", "s"],
    ]


@pytest.mark.django_db
def test_replaces_what_was_there() -> None:
    seed("--lines", "60")
    seed("--lines", "30")
    assert OrderLine.objects.count() == 30


@pytest.mark.django_db
def test_if_empty_leaves_orders_alone() -> None:
    seed("--lines", "30")
    assert seed("--lines", "60", "--if-empty") == ["Orders exist already; nothing was changed."]
    assert OrderLine.objects.count() == 30


@pytest.mark.django_db
def test_if_empty_fills_an_empty_shop() -> None:
    assert len(seed("--lines", "0", "--if-empty")) == 4
    assert len(seed("--lines", "60", "--if-empty")) == 4
    assert OrderLine.objects.count() == 60


def test_refuses_a_negative_number() -> None:
    with pytest.raises(CommandError, match=r"^--lines must be 0 or more, not -5\.$"):
        seed("--lines", "-5")


def test_refuses_what_is_no_number() -> None:
    with pytest.raises(CommandError, match="invalid int value: 'many'"):
        seed("--lines", "many")


@pytest.mark.django_db(transaction=True)
def test_two_at_once_with_if_empty_fill_the_shop_once() -> None:
    with Threads(2) as threads:
        runs = [threads.submit(seed, "--lines", "3000", "--if-empty") for _ in range(2)]
        printed = [run.result(timeout=30) for run in runs]
    assert sorted(map(len, printed)) == [1, 4]
    assert (Order.objects.count(), OrderLine.objects.count()) == (1000, 3000)
