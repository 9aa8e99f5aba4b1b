"""The schemas and the template say what the declaration of a type says."""

import csv
import json
import re
from typing import Any

import pytest
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinLengthValidator, RegexValidator
from django.db import models
from django.test.utils import isolate_apps
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from tests.support.apps.warehouse.upload_types import Items, Movements, NewItems
from uploads.columns import Column, Lookup
from uploads.schemas import json_schema, table_schema, template_csv
from uploads.types import UploadType

pytestmark = pytest.mark.usefixtures("db")  # the limits of integers are those of the database's types


def fields_by_name(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in schema["fields"]}


def test_the_json_schema_describes_a_row_by_heading() -> None:
    schema = json.loads(json.dumps(json_schema(Items())))
    Draft202012Validator.check_schema(schema)
    assert schema["required"] == ["Code", "Name", "Price"]
    assert schema["properties"] == {
        "Code": {"type": "string", "minLength": 1, "maxLength": 20, "description": "The number on the shelf."},
        "Name": {"type": "string", "minLength": 1, "maxLength": 40},
        "Price": {"type": "number", "minimum": -9999999999.99, "maximum": 9999999999.99},
        "Weight": {"type": ["number", "null"]},
        "Count": {"type": ["integer", "null"], "minimum": -(2**31), "maximum": 2**31 - 1},
        "Small": {"type": ["integer", "null"], "minimum": -10, "maximum": 1000},
        "Active": {"type": ["boolean", "null"]},
        "Made on": {"type": ["string", "null"], "format": "date"},
        "Made at": {"type": ["string", "null"], "format": "date-time"},
        "At": {"type": ["string", "null"], "format": "time"},
        "Kind": {"enum": ["part", "tool", None]},
        "Supplier": {"type": ["string", "null"], "maxLength": 20},
        "Supplier name": {"type": ["string", "null"], "maxLength": 100},
        "Color": {"type": ["string", "null"], "pattern": "^#[0-9a-f]{6}$"},
        "UUID": {"type": ["string", "null"], "format": "uuid"},
        "Note": {"type": ["string", "null"]},
    }
    row = dict.fromkeys(schema["properties"]) | {"Code": "A1", "Name": "Bolt", "Price": 1.5, "Kind": "tool"}
    Draft202012Validator(schema).validate(row | {"Another": "column"})
    assert not Draft202012Validator(schema).is_valid(row | {"Price": None})


def test_a_cell_that_cannot_be_empty_and_a_column_that_serves_twice() -> None:
    class Changed(Items):
        columns = {
            "supplier": Column("Supplier", lookup=Lookup("code", conditions={"name": "Name"})),
            "name": Column("Name"),
        }

    assert json_schema(Changed())["required"] == []
    assert json_schema(Changed())["properties"] == {
        "Supplier": {"type": ["string", "null"], "maxLength": 20},
        "Name": {"type": "string", "minLength": 1, "maxLength": 40},
    }


def test_limits_are_the_narrowest_and_patterns_mean_the_same_in_javascript() -> None:
    with isolate_apps("tests.support.apps.warehouse"):

        class Odd(models.Model):
            price = models.DecimalField(max_digits=3, decimal_places=0, validators=[MaxValueValidator(10**6)])
            flagged = models.CharField(max_length=5, validators=[RegexValidator("^a$", flags=re.IGNORECASE)])
            inverse = models.CharField(max_length=5, validators=[RegexValidator("a", inverse_match=True)])
            words = models.CharField(max_length=5, validators=[RegexValidator(r"^\w+\Z")])
            began = models.CharField(max_length=5, validators=[RegexValidator(r"\A[a-z]+\Z")])
            ended = models.CharField(max_length=5, validators=[RegexValidator(r"^[a-z]+\Z"), RegexValidator("b")])
            short = models.CharField(max_length=5, validators=[MaxLengthValidator(9), MinLengthValidator(2)])

            class Meta:
                app_label = "warehouse"

            def __str__(self) -> str:
                return ""

    names = ("price", "flagged", "inverse", "words", "began", "ended", "short")
    of_odd = {"model": Odd, "columns": {name: Column(name, required=True) for name in names}}
    assert json_schema(type("OfOdd", (UploadType,), {"title": "Odd", **of_odd})())["properties"] == {
        "price": {"type": "number", "minimum": -999, "maximum": 999},
        "flagged": {"type": "string", "minLength": 1, "maxLength": 5},
        "inverse": {"type": "string", "minLength": 1, "maxLength": 5},
        "words": {"type": "string", "minLength": 1, "maxLength": 5},
        "began": {"type": "string", "minLength": 1, "maxLength": 5},
        "ended": {"type": "string", "minLength": 1, "maxLength": 5, "pattern": "^[a-z]+$"},
        "short": {"type": "string", "minLength": 2, "maxLength": 5},
    }


def test_the_table_schema_describes_the_file() -> None:
    items, new_items = fields_by_name(table_schema(Items())), fields_by_name(table_schema(NewItems()))
    assert table_schema(Items())["missingValues"] == [""]
    assert items["Code"] == {
        "name": "Code",
        "type": "string",
        "description": "The number on the shelf.",
        "constraints": {"required": True, "minLength": 1, "maxLength": 20},
    }
    assert items["Made at"] == {"name": "Made at", "type": "datetime", "constraints": {}}
    assert {"yes", "1"} <= set(items["Active"]["trueValues"])
    assert items["UUID"] == {"name": "UUID", "type": "string", "format": "uuid", "constraints": {}}
    assert new_items["Preis"]["decimalChar"] == ","
    assert new_items["Gebaut am"]["format"] == "any"
    assert new_items["Aktiv"] == {"name": "Aktiv", "type": "string", "constraints": {"enum": ["ja", "nein"]}}


def test_a_key_of_the_file_is_its_primary_key() -> None:
    class Whole(Items):
        key = ("code",)

    assert table_schema(Whole())["primaryKey"] == ["Code"]
    assert fields_by_name(table_schema(Whole()))["Code"]["constraints"]["unique"] is True
    # The tenant is not in the file.
    assert "primaryKey" not in table_schema(Items())


def test_the_template_opens_in_excel() -> None:
    template = template_csv(Movements())
    assert template == b"\xef\xbb\xbfItem,Supplier,Quantity,Moved at\r\n"
    headings = next(csv.reader(template_csv(Items()).decode("utf-8-sig").splitlines()))
    assert headings == list(json_schema(Items())["properties"])
