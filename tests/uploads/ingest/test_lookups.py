# ruff: noqa: DJ008
"""Foreign keys: found by a natural key, among the rows that the user may refer to."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import AbstractBaseUser, User
from django.db import connection, models
from django.test.utils import isolate_apps

from tests.support.staged import check
from uploads.ingest.lookups import is_unique
from uploads.types import Column, Lookup, UploadType

pytestmark = pytest.mark.django_db

with isolate_apps("uploads"):

    class Region(models.Model):
        """Referred to by customers."""

        code = models.CharField(max_length=5, primary_key=True)

        class Meta:
            app_label = "uploads"

    class Client(models.Model):
        """Has a unique number, and a name that may occur twice."""

        number = models.IntegerField(unique=True)
        name = models.CharField(max_length=20)
        owner = models.CharField(max_length=20)
        region = models.ForeignKey(Region, models.CASCADE, null=True)

        class Meta:
            app_label = "uploads"

    class Tag(models.Model):
        """A client may have several."""

        client = models.ForeignKey(Client, models.CASCADE, related_name="tags")

        class Meta:
            app_label = "uploads"

    class Deal(models.Model):
        """The target, with a foreign key of each kind."""

        client = models.ForeignKey(Client, models.CASCADE, null=True)
        other = models.ForeignKey(Client, models.CASCADE, null=True, related_name="+")
        region = models.ForeignKey(Region, models.CASCADE, null=True, default="N")

        class Meta:
            app_label = "uploads"


def deals(**columns: Column) -> UploadType:
    """An upload type with these columns."""
    upload_type: UploadType = type("Deals", (UploadType,), {"model": Deal, "mode": "insert", "columns": columns})()
    return upload_type


def of_user(user: AbstractBaseUser) -> models.QuerySet[Any]:
    """A user's own clients, by a join that yields a client once for each of its tags."""
    return Client._base_manager.filter(owner=user.get_username(), tags__isnull=False)


@pytest.fixture(autouse=True)
def tables(db: None) -> Iterator[dict[str, int]]:
    """Two regions; three clients, of whom two have the same name."""
    with connection.schema_editor() as editor:
        for model in (Region, Client, Tag, Deal):
            editor.create_model(model)
    for code in ("N", "S"):
        Region._base_manager.create(code=code)
    ids = {}
    for number, name, owner, region in ((7, "Ann", "me", "N"), (8, "Bob", "me", "S"), (9, "Ann", "her %s", None)):
        client = Client._base_manager.create(number=number, name=name, owner=owner, region_id=region)
        ids[str(number)] = client.pk
        for _ in range(2):
            Tag._base_manager.create(client=client)
    yield ids
    with connection.schema_editor() as editor:
        editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for model in (Deal, Tag, Client, Region):
            editor.delete_model(model)


def test_a_unique_field(tables: dict[str, int]) -> None:
    upload_type = deals(client=Column("Client", lookup=Lookup("number")))
    checked = check(upload_type, [("7", "x"), (" 8 ", "x"), ("10", "x"), ("x", "x"), ("", "x")], keys=("client",))
    assert [one["client"] for one in checked.values.values()] == [tables["7"], tables["8"], None, None, None]
    assert checked.codes("client") == {3: ["unknown-lookup"], 4: ["type-error"]}


def test_rows_of_others_are_unknown_and_none_comes_twice(tables: dict[str, int]) -> None:
    upload_type = deals(
        client=Column("Client", lookup=Lookup("number", rows=of_user)),
        other=Column("Other", lookup=Lookup("name", rows=of_user)),
    )
    checked = check(upload_type, [("7", "Ann"), ("9", "Bob"), ("8", "Cat")], user=User(username="me"))
    assert [tuple(one.values()) for one in checked.values.values()] == [
        (tables["7"], tables["7"]), (None, tables["8"]), (tables["8"], None)
    ]  # fmt: skip
    assert [problem[:3] for problem in checked.problems] == [
        (2, "client", "unknown-lookup"),
        (3, "other", "unknown-lookup"),
    ]
    checked = check(upload_type, [("9", "Ann")], user=User(username="her %s"))
    assert [tuple(one.values()) for one in checked.values.values()] == [(tables["9"], tables["9"])]


def test_a_name_that_occurs_twice_is_ambiguous_unless_a_condition_tells(tables: dict[str, int]) -> None:
    columns = {"client": Column("Client", lookup=Lookup("name", {"region__code": "Region", "number": "Number"}))}
    upload_type = deals(**columns)
    keys = ("client", "client.region__code", "client.number")
    records = [
        ("Ann", "N", "7"),
        ("Ann", None, "9"),
        ("Ann", "S", None),
        ("Bob", "S", "x"),
        ("Zoe", "S", "1"),
        ("Ann", "", "9"),
    ]
    checked = check(upload_type, records, keys=keys)
    assert [one["client"] for one in checked.values.values()][:2] == [tables["7"], tables["9"]]
    assert [problem[:3] for problem in checked.problems] == [
        (3, "client.region__code", "unknown-lookup"),
        (3, "client.number", "unknown-lookup"),
        (4, "client.number", "type-error"),
        (5, "client", "unknown-lookup"),
    ]
    checked = check(upload_type, [("Ann",), ("Bob",)], keys=("client",))
    assert checked.codes("client") == {1: ["ambiguous-lookup"]}, "conditions whose columns are absent do not count"
    assert checked.values[2] == {"client": tables["8"]}


def test_a_condition_of_a_unique_field(tables: dict[str, int]) -> None:
    upload_type = deals(client=Column("Client", lookup=Lookup("number", {"name": "Name", "region__code": "Region"})))
    checked = check(
        upload_type, [("7", "Ann", "N"), ("8", "Ann", "S"), ("9", "Ann", None), ("7", "Ann", None), ("1", "Ann", "N")]
    )
    assert [problem[:4] for problem in checked.problems] == [
        (2, "client.name", "unknown-lookup", "Ann"),
        (4, "client.region__code", "unknown-lookup", None),
        (5, "client", "unknown-lookup", "1"),
    ]


def test_several_hops_and_plain_primary_keys(tables: dict[str, int]) -> None:
    upload_type = deals(
        client=Column("Client", lookup=Lookup("region__code")),
        region=Column("Region", empty="default"),  # without a lookup, primary keys
        other=Column("Other", lookup=Lookup("pk")),
    )
    checked = check(
        upload_type,
        [("S", "N", str(tables["7"])), ("N", None, "0"), ("X", "X", "1.0")],
        keys=("client", "region", "other"),
    )
    assert [tuple(one.values()) for one in checked.values.values()] == [
        (tables["8"], "N", tables["7"]), (tables["7"], "N", None), (None, None, None)
    ]  # fmt: skip
    assert [problem[:3] for problem in checked.problems] == [
        (2, "other", "unknown-lookup"),
        (3, "client", "unknown-lookup"),
        (3, "region", "unknown-lookup"),
        (3, "other", "type-error"),
    ]


def test_which_paths_are_unique() -> None:
    assert is_unique(Client, "number")
    assert is_unique(Client, "pk")
    assert not is_unique(Client, "name")
    assert not is_unique(Client, "region__code")
