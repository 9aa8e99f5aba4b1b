"""Each mistake in a declaration has a message with its id, and the declarations of the tests' own app have none."""

# ruff: noqa: DJ008

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import models
from django.db.models.signals import post_save
from django.test.utils import isolate_apps

from examples.sales.models import OrderLine, Product
from tests.support.apps.warehouse.models import Item, Movement, Supplier
from tests.support.apps.warehouse.upload_types import ITEM_COLUMNS, NewItems, OfItems
from uploads.checks import check_conditions, check_upload_types, mistakes_in
from uploads.types import UPLOAD_TYPES, Column, Lookup, UploadType, register

CODE = Column("Code", required=True)


@pytest.fixture
def upload_types() -> Iterator[dict[str, UploadType]]:
    """The registered types; those that the test adds are gone after it."""
    known = dict(UPLOAD_TYPES._types)
    yield UPLOAD_TYPES._types
    UPLOAD_TYPES._types.clear()
    UPLOAD_TYPES._types.update(known)


def found(**attributes: Any) -> list[tuple[str, str]]:
    """The ids and texts of the messages about a type like `Items`, but with these attributes."""
    changed = type("Changed", (OfItems,), {"identifier": "changed", "title": "", "columns": ITEM_COLUMNS, **attributes})
    return [(str(message.id).removeprefix("uploads."), message.msg) for message in mistakes_in(changed())]


def ids(**attributes: Any) -> list[str]:
    return [number for number, _ in found(**attributes)]


def without_fixed(model: Any, columns: Mapping[str, Column], **attributes: Any) -> list[str]:
    plain = type("Plain", (UploadType,), {"title": "", "model": model, "columns": columns, **attributes})
    return [str(message.id).removeprefix("uploads.") for message in mistakes_in(plain())]


def with_column(name: str, column: Column) -> list[tuple[str, str]]:
    return found(columns={**ITEM_COLUMNS, name: column})


def test_the_types_of_all_apps_have_no_mistakes() -> None:
    assert check_upload_types() == []
    assert len(UPLOAD_TYPES.all()) >= 6


def test_a_model_must_have_one_table_and_a_single_key() -> None:
    class Abstract(models.Model):
        class Meta:
            abstract = True
            app_label = "warehouse"

    assert ids(model=None) == ["E003"]
    assert ids(model=Abstract) == ["E003"]
    assert ids(columns={}) == ["E003"]
    with isolate_apps("tests.support.apps.warehouse"):

        class Swapped(models.Model):
            class Meta:
                app_label = "warehouse"
                swappable = "AUTH_USER_MODEL"

        class Base(models.Model):
            class Meta:
                app_label = "warehouse"

        class Child(Base):
            class Meta:
                app_label = "warehouse"

        class Proxy(Base):
            class Meta:
                app_label = "warehouse"
                proxy = True

        class Pair(models.Model):
            pk = models.CompositePrimaryKey("one", "two")
            one = models.IntegerField()
            two = models.IntegerField()

            class Meta:
                app_label = "warehouse"

        id_column = {"id": CODE}
        assert ids(model=Swapped, columns=id_column, key=("id",)) == ["E003"]
        assert found(model=Child, columns=id_column) == [
            ("E003", "The rows of the model warehouse.Child are spread over several tables.")
        ]
        assert found(model=Pair, columns={"one": CODE}) == [
            ("E003", "The primary key of the model warehouse.Pair consists of several fields.")
        ]
        assert ids(model=Proxy, columns=id_column, key=("id",)) == []


def test_the_key() -> None:
    assert ids(mode="merge") == ["E004"]
    assert ids(key=()) == ["E005"]
    assert ids(key=(), mode="insert") == []
    assert found(key=("tenant", "number")) == [
        ("E006", "The key field 'number' is not a field of warehouse.Item."),
    ]
    assert without_fixed(Supplier, {"tenant": CODE}, key=("code",), mode="update") == ["E022", "E006", "E008"]
    assert ids(columns={**ITEM_COLUMNS, "code": Column("Code")}) == ["E007"]
    assert ids(key=("name",)) == ["E008"]
    assert ids(key=("id",), columns={"id": CODE}) == []
    assert ids(key=("pk",), columns={"code": CODE}) == ["E006"]
    assert ids(key=("tenant", "code"), columns={"name": Column("Name", required=True)}, mode="update") == ["E014"]
    assert without_fixed(Product, {"sku": CODE}, key=("sku",), mode="update") == []


def test_the_primary_key_of_known_rows_cannot_change() -> None:
    columns = {**ITEM_COLUMNS, "id": Column("ID")}
    assert found(columns=columns) == [
        ("E013", "The column 'ID' would change the primary key of known rows, because 'id' is not in the key.")
    ]
    assert ids(columns=columns, mode="update") == ["E013"]
    assert ids(columns=columns, mode="insert") == []


def test_only_a_constraint_that_always_holds_for_all_rows_is_a_key() -> None:
    def of(*constraints: Any, **meta: Any) -> list[str]:
        with isolate_apps("tests.support.apps.warehouse"):
            options = type("Meta", (), {"app_label": "warehouse", "constraints": constraints, **meta})
            fields = {"one": models.CharField(max_length=9), "two": models.CharField(max_length=9)}
            row = type("Row", (models.Model,), {"__module__": __name__, "Meta": options, **fields})
            columns = {"one": Column("One", required=True), "two": Column("Two", required=True)}
            return without_fixed(row, columns, key=("two", "one"))

    both = ["one", "two"]
    assert of(models.UniqueConstraint(fields=both, name="c")) == []
    assert of(models.UniqueConstraint(fields=["one"], name="c")) == []
    assert of(unique_together=[both]) == []
    assert of(models.UniqueConstraint(fields=both, name="c", condition=models.Q(one="x"))) == ["E008"]
    assert of(models.UniqueConstraint(models.F("one"), models.F("two"), name="c")) == ["E008"]
    assert of(models.UniqueConstraint(fields=both, name="c", deferrable=models.Deferrable.DEFERRED)) == ["E008"]
    assert of(models.UniqueConstraint(fields=[*both, "id"], name="c")) == ["E008"]
    assert of(indexes=[models.Index(fields=both, name="i")]) == ["E008"]


def test_headings_that_are_compared_as_equal_are_named() -> None:
    assert with_column("note", Column("ｎａｍｅ ")) == [
        ("E009", "The heading 'name' belongs to several columns: name, note.")
    ]
    assert with_column("note", Column("Note", aliases=["ITEM"])) == [
        ("E009", "The heading 'item' belongs to several columns: code, note.")
    ]
    assert with_column("note", Column(" "))[0][0] == "E009"
    assert with_column("note", Column("_errors"))[0][0] == "E009"
    # One column may serve a field and the conditions of lookups.
    assert with_column("supplier", Column("Supplier", lookup=Lookup("code", conditions={"name": "Name"}))) == []


def test_a_field_that_nothing_supplies_is_named_unless_only_updates_happen() -> None:
    columns = {"quantity": Column("Quantity")}
    assert without_fixed(Movement, columns, mode="insert") == ["E010", "E010"]
    assert without_fixed(Movement, {"id": CODE}, key=("id",), mode="update") == []
    # `fixed` may supply what is missing.
    assert ids(columns={"code": CODE}) == []


def test_a_sensitive_name_must_exist() -> None:
    assert ids(sensitive=("note", "Price", "Item", "Supplier name")) == []
    assert found(sensitive=("nose",)) == [
        ("E011", "`sensitive` names 'nose', which is not a field, a heading or a parameter.")
    ]


@pytest.mark.parametrize("name", ["nothing", "tenant_id", "movements", "pk"])
def test_a_column_must_be_for_a_field(name: str) -> None:
    [(number, text)] = with_column(name, Column("Other"))
    assert number == "E020"
    assert repr(name) in text


def test_fields_that_no_cell_can_fill() -> None:
    with isolate_apps("tests.support.apps.warehouse"):

        class Document(models.Model):
            code = models.CharField(max_length=9, unique=True)
            file = models.FileField()
            size = models.GeneratedField(
                expression=models.F("id") + 1, output_field=models.IntegerField(), db_persist=True
            )
            users = models.ManyToManyField(User)

            class Meta:
                app_label = "warehouse"

        columns = {"code": CODE, "file": Column("F"), "size": Column("S"), "users": Column("U")}
        assert without_fixed(Document, columns, key=("code",)) == ["E021", "E021", "E020"]


def test_lookups() -> None:
    assert with_column("name", Column("Name", lookup=Lookup("code")))[0][0] == "E022"
    assert with_column("supplier", Column("Supplier"))[0][0] == "E022"
    assert with_column("supplier", Column("Supplier", lookup=Lookup("number"))) == [
        ("E023", "The lookup of 'supplier' names 'number', which is no field of warehouse.Supplier.")
    ]
    assert with_column("supplier", Column("Supplier", lookup=Lookup("tenant__name")))[0][0] == "E023"
    assert with_column("supplier", Column("Supplier", lookup=Lookup("code", conditions={"x": "X"})))[0][0] == "E023"
    assert with_column("supplier", Column("Supplier", lookup=Lookup("tenant__code"))) == []
    assert with_column("supplier", Column("Supplier", lookup=Lookup("pk"))) == []


def test_a_lookup_needs_an_index() -> None:
    assert with_column("supplier", Column("Supplier", lookup=Lookup("is_active"))) == [
        ("W003", "The lookup of 'supplier' needs an index on warehouse.Supplier.is_active.")
    ]
    lines = {"order": Column("O", lookup=Lookup("channel"))}
    assert without_fixed(OrderLine, {**lines, "id": CODE}, key=("id",), mode="update") == ["W003"]
    indexed = {"order": Column("O", lookup=Lookup("ordered_at"))}
    assert without_fixed(OrderLine, {**indexed, "id": CODE}, key=("id",), mode="update") == []


def test_an_index_that_begins_with_another_field_helps_only_within_scoped_rows() -> None:
    with isolate_apps("tests.support.apps.warehouse"):

        class Shelf(models.Model):
            site = models.IntegerField()
            code = models.CharField(max_length=9)

            class Meta:
                app_label = "warehouse"
                constraints = [models.UniqueConstraint(fields=["site", "code"], name="shelf_code")]

        class Box(models.Model):
            shelf = models.ForeignKey(Shelf, on_delete=models.CASCADE)
            color = models.IntegerField(null=True)

            class Meta:
                app_label = "warehouse"

        def of(lookup: Lookup) -> list[str]:
            columns = {"shelf": Column("Shelf", lookup=lookup), "color": Column("Color", choices={"none": None})}
            return without_fixed(Box, columns, mode="insert")

        assert of(Lookup("site")) == of(Lookup("code", rows=lambda user: Item.objects.none())) == []
        assert of(Lookup("code")) == ["W003"]


def test_the_options_of_a_column_must_fit_its_field() -> None:
    assert [number for number, _ in with_column("price", Column("Price", formats=["%Y"]))] == ["E024"]
    assert [number for number, _ in with_column("count", Column("Count", decimal=","))] == ["E025"]
    assert with_column("made_on", Column("Made on", formats=["%d.%m.%Y"])) == []
    assert with_column("at", Column("At", formats=["%H:%M", "%H:%Q"])) == [
        ("E024", "The format '%H:%Q' of 'at' cannot be read: %Q is not supported.")
    ]
    assert with_column("kind", Column("Kind", choices={"Saw": "saw"})) == [
        (
            "E026",
            "The choice 'Saw' of 'kind' stands for 'saw', which the field refuses: Value 'saw' is not a valid choice.",
        )
    ]
    assert with_column("small", Column("Small", choices={"much": 5000}))[0][0] == "E026"
    assert with_column("small", Column("Small", choices={"none": None, "much": 1000})) == []
    both = Column("Supplier", lookup=Lookup("code"), choices={"a": "b"})
    assert with_column("supplier", both)[0][0] == "E026"


def test_what_an_empty_cell_means_must_fit_the_field() -> None:
    assert with_column("price", Column("Price", empty="blank"))[0][0] == "E027"
    assert with_column("price", Column("Price", empty="default"))[0][0] == "E027"
    assert with_column("count", Column("Count", empty="default")) == []


def test_a_condition_over_a_field_without_a_column_is_never_checked() -> None:
    check = "count > 0 AND note <> 'tenant_id' AND created_at IS NOT NULL"
    assert with_column("count", Column("Count", check=check)) == [
        ("W004", "The check of 'count' is never made, because it names 'created_at', which has no column.")
    ]


def test_code_that_uploads_do_not_call_is_named() -> None:
    with isolate_apps("tests.support.apps.warehouse"):

        class Saving(Item):
            class Meta:
                proxy = True
                app_label = "warehouse"

            def save(self, *args: Any, **options: Any) -> None:
                super().save(*args, **options)

    def hear(**facts: Any) -> None:
        pass

    assert found(model=Saving) == [("W001", "Uploads do not call warehouse.Saving.save().")]
    post_save.connect(hear, sender=Item)
    try:
        assert found() == [("W002", "Uploads do not send post_save of warehouse.Item.")]
    finally:
        post_save.disconnect(hear, sender=Item)


def test_postgresql_reads_the_checks(upload_types: dict[str, UploadType], db: None) -> None:
    assert check_conditions(databases=["default"]) == []

    @register
    class Wrong(NewItems):
        identifier = "wrong"
        columns = {
            **NewItems.columns,
            "count": Column("Count", check="count % 2 = 0"),
            "small": Column("Small", check="smell > 0"),
            "weight": Column("Weight", check="weight >"),
        }

    assert check_conditions(databases=None) == check_conditions(databases=["other"]) == []
    messages = check_conditions(databases=["default"])
    assert [(message.id, message.obj) for message in messages] == [("uploads.E012", Wrong)] * 2
    assert 'column "smell" does not exist' in messages[0].msg
