# ruff: noqa: DJ008
"""Validators of model fields: as SQL where SQL can say it, else a list for Python."""

from decimal import Decimal

import pytest
from django.core.validators import (
    EmailValidator,
    MaxValueValidator,
    MinLengthValidator,
    MinValueValidator,
    RegexValidator,
)
from django.db import models
from django.test.utils import isolate_apps

from tests.support.staged import check
from uploads.ingest.rules import python_validators
from uploads.types import Column, UploadType

with isolate_apps("uploads"):

    class Limited(models.Model):
        """Some limits lie outside of what the column can hold."""

        small = models.SmallIntegerField(validators=[MinValueValidator(-99_999), MaxValueValidator(lambda: 7)])
        price = models.DecimalField(
            max_digits=4, decimal_places=1, validators=[MinValueValidator(Decimal("0.05")), MaxValueValidator(99_999)]
        )
        mail = models.EmailField()
        code = models.CharField(max_length=9, validators=[RegexValidator("^[a-z]+$")], choices=[("a", "A")])
        slug = models.SlugField()
        address = models.GenericIPAddressField()
        note = models.TextField(blank=True, validators=[MinLengthValidator(3)])
        name = models.TextField(validators=[MinLengthValidator(3)])

        class Meta:
            app_label = "uploads"


class Limits(UploadType):
    """All columns, called like their fields."""

    model = Limited
    mode = "insert"
    columns = {field.name: Column(field.name) for field in Limited._meta.fields if field.name != "id"}


@pytest.mark.django_db
def test_limits_outside_of_the_type_do_no_harm() -> None:
    checked = check(Limits(), [("-32768", "0.1"), ("8", "0.0"), ("7", "999.9")], keys=("small", "price"))
    assert checked.problems == [(2, "small", "out-of-range", "8"), (2, "price", "out-of-range", "0.0")]


@pytest.mark.django_db
def test_an_empty_text_is_not_too_short_where_a_text_may_be_blank() -> None:
    checked = check(Limits(), [("", ""), ("ab", "ab"), ("abc", "abc")], keys=("note", "name"))
    assert checked.codes("note") == {2: ["out-of-range"]}
    assert checked.codes("name") == {1: ["out-of-range"], 2: ["out-of-range"]}


def test_python_runs_what_sql_cannot_say() -> None:
    validators = python_validators(Limits())
    assert validators.keys() == {"mail", "slug"}
    assert [type(one) for one in validators["mail"]] == [EmailValidator]
