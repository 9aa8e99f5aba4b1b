# ruff: noqa: DJ008
"""Values of fields that the file does not carry, as PostgreSQL evaluates them."""

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from django.contrib.auth.models import AbstractBaseUser, User
from django.db import connection, models
from django.db.models.functions import Now, Upper
from django.test.utils import isolate_apps
from django.utils import timezone
from psycopg import sql

from uploads.ingest.defaults import fixed_values, insert_defaults, lasts, update_defaults
from uploads.types import Column, UploadType

pytestmark = pytest.mark.django_db
CALLS: list[int] = []


def next_call() -> int:
    """A default that is different each time."""
    CALLS.append(1)
    return len(CALLS)


with isolate_apps("uploads"):

    class Holder(models.Model):
        """A default of each kind."""

        tenant = models.ForeignKey(User, models.CASCADE)
        editor = models.ForeignKey(User, models.CASCADE, to_field="username", null=True, related_name="+")
        plain = models.CharField(max_length=20, default="100% 'it'")
        none = models.IntegerField(null=True, default=None)
        blank = models.TextField(blank=True)
        bare = models.CharField(max_length=20)
        called = models.IntegerField(default=next_call)
        key = models.UUIDField(default=uuid.uuid4)
        extra = models.JSONField(default=dict)
        db_made = models.DateTimeField(db_default=Now())
        shouted = models.CharField(max_length=20, db_default=Upper(models.Value("loud")))
        made = models.DateTimeField(auto_now_add=True)
        seen = models.DateTimeField(auto_now=True)
        seen_on = models.DateField(auto_now=True)

        class Meta:
            app_label = "uploads"


class Holders(UploadType):
    """Only one column is in the file."""

    model = Holder
    mode = "insert"
    columns = {"bare": Column("Bare")}

    def fixed(self, user: AbstractBaseUser) -> Mapping[str, Any]:
        return {"tenant": user, "editor": user, "none": 5}


def test_new_rows_get_fixed_values_and_defaults() -> None:
    defaults = insert_defaults(connection, Holders(), fixed_values(Holders(), User(pk=41, username="ada")))
    query = sql.SQL("SELECT {} FROM generate_series(1, 2)").format(sql.SQL(", ").join(defaults.values()))
    with connection.cursor() as cursor:
        cursor.execute(query)
        first, second = (dict(zip(defaults, row, strict=True)) for row in cursor.fetchall())
        cursor.execute("SELECT now()")
        (now,) = cursor.fetchone()
    assert first.pop("key") != second.pop("key")
    assert first == second
    assert first == {
        "tenant": 41, "editor": "ada", "none": 5, "plain": "100% 'it'", "blank": "", "called": len(CALLS),
        "extra": "{}", "db_made": first["db_made"], "shouted": "LOUD", "made": now, "seen": now,
        "seen_on": now.date(),
    }  # fmt: skip
    assert isinstance(first["db_made"], datetime.datetime)
    assert "bare" not in defaults
    assert "id" not in defaults, "the table numbers its rows"


def test_what_comes_from_the_clock_or_at_random_does_not_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if the clock has not moved between two calls."""
    fields = [field.name for field in Holder._meta.concrete_fields if lasts(field)]
    assert fields == ["id", "tenant", "editor", "plain", "none", "blank", "bare", "extra"]
    noon = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
    monkeypatch.setattr(Holder._meta.get_field("plain"), "default", lambda: noon)
    assert not lasts(Holder._meta.get_field("plain"))


def test_changed_rows_get_the_moment() -> None:
    with timezone.override(datetime.UTC):
        assert set(update_defaults(Holders())) == {"seen", "seen_on"}


def test_fixed_must_name_fields() -> None:
    with pytest.raises(TypeError, match="wrong: fixed\\(\\) names no field of the model: pk, tenent"):
        fixed_values(with_fixed(tenent=1, pk=2), User())


def test_a_fixed_foreign_key_is_what_its_column_holds() -> None:
    user = User(pk=41, username="ada")
    assert fixed_values(with_fixed(tenant=user, editor=user), user) == {"tenant": 41, "editor": "ada"}
    assert fixed_values(with_fixed(tenant_id=41, editor_id="ada"), user) == {"tenant": 41, "editor": "ada"}
    assert fixed_values(with_fixed(tenant=41, editor=None), user) == {"tenant": 41, "editor": None}


def with_fixed(**values: Any) -> UploadType:
    return type("Fixed", (Holders,), {"identifier": "wrong", "fixed": lambda self, user: values})()  # type: ignore[no-any-return]
