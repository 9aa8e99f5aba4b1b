# ruff: noqa: DJ001, DJ008
"""Conditions of columns and CHECK constraints of the model, over the typed values of a record."""

from typing import Any

import pytest
from django.db import models
from django.test.utils import isolate_apps

from tests.support.staged import check
from uploads.types import Column, UploadType

pytestmark = pytest.mark.django_db

with isolate_apps("uploads"):

    class Offer(models.Model):
        """Its constraints are over one column, over two, and over one that need not be in the file."""

        code = models.CharField(max_length=20, unique=True)
        price = models.DecimalField(max_digits=9, decimal_places=2, null=True, db_column="the price")
        rebate = models.IntegerField(null=True)
        starts = models.DateField(null=True)
        ends = models.DateField(null=True)
        kind = models.CharField(max_length=10, null=True)

        class Meta:
            app_label = "uploads"
            constraints = [
                models.CheckConstraint(
                    condition=models.Q(rebate__lte=100), name="rebate", violation_error_message="Too much."
                ),
                models.CheckConstraint(condition=models.Q(ends__gte=models.F("starts")), name="period"),
                models.CheckConstraint(condition=~models.Q(kind="100% 'off'") | models.Q(rebate=100), name="kind"),
            ]


class Offers(UploadType):
    """Two of its columns have conditions."""

    model = Offer
    key = ("code",)
    columns = {
        "code": Column("Code", check="code <> 'rebate' -- not a name", message="No such code."),
        "price": Column("Price", check="\"the price\" > 0 AND coalesce(kind, $$%s$$) LIKE '%'", message="Not free."),
        **{name: Column(name) for name in ("rebate", "starts", "ends", "kind")},
    }


def problems(records: list[tuple[str | None, ...]], keys: tuple[str, ...] = ()) -> list[tuple[Any, ...]]:
    checked = check(Offers(), records, keys=keys)
    messages = {(rule.key, rule.code): str(rule.message) for rule in checked.sql.rules if rule.message}
    known = {"code": "No such code.", "price": "Not free.", "rebate": "Too much."}
    messages.pop(("", "check-failed"), None)  # by the names of the constraints
    assert messages == {(key, "check-failed"): known[key] for key, _ in messages}
    return list(checked.problems)


def test_a_condition_that_does_not_hold_is_an_error() -> None:
    assert problems(
        [
            ("A", "1.00", "100", "2026-01-01", "2026-01-01", "100% 'off'"),
            ("rebate", "0", "101", "2026-01-02", "2026-01-01", "x"),
            ("C", None, None, None, "2026-01-01", None),
            ("D", "-1", "99", None, None, "100% 'off'"),
            ("E", "x", "x", "2026-01-02", "x", None),
        ]
    ) == [
        (2, "code", "check-failed", "rebate"),
        (2, "price", "check-failed", "0"),
        (2, "rebate", "check-failed", "101"),
        (2, "", "check-failed", None),
        (4, "price", "check-failed", "-1"),
        (4, "", "check-failed", None),
        (5, "price", "type-error", "x"),
        (5, "rebate", "type-error", "x"),
        (5, "ends", "type-error", "x"),
    ]


def test_a_condition_over_an_absent_column_is_left_to_the_table() -> None:
    assert problems([("A", "-1", "101"), ("B", "1", "5")], ("code", "price", "rebate")) == [
        (1, "rebate", "check-failed", "101")
    ]
    assert problems([("A", "-1", None)], ("code", "price", "kind")) == [(1, "price", "check-failed", "-1")]
