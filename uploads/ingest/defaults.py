"""Values of fields that the file does not carry."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, time
from typing import TYPE_CHECKING, Any, Final

from django.db.models import NOT_PROVIDED, DateField, DateTimeField, ForeignKey, GeneratedField, Model, TimeField
from django.db.models import Value as ValueExpression
from django.utils import timezone
from psycopg import sql

from uploads.ingest.fields import literal
from uploads.value_types import AnyField

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.db.backends.base.base import BaseDatabaseWrapper

    from uploads.types import UploadType

#: Defaults that must be different in each row → since which version of PostgreSQL it has a function for them.
_VERSION_WITH_UUID7: Final = 180000
_RANDOM: Final = (uuid.uuid4, uuid.uuid1)


def default_of(connection: BaseDatabaseWrapper, field: AnyField) -> sql.Composable | None:
    """The default of a field, as SQL; None if it has none. A callable is called once, but UUIDs differ by row."""
    if field.has_db_default():
        return _database_default(connection, field)
    default: Any = field.default
    if default is NOT_PROVIDED:
        return sql.SQL("''") if field.blank and field.empty_strings_allowed and not field.null else None
    if callable(default):
        if default in _RANDOM:
            return sql.SQL("gen_random_uuid()")
        value = default()
        if isinstance(value, uuid.UUID) and value != default():
            seven = value.version == 7 and connection.pg_version >= _VERSION_WITH_UUID7  # type: ignore[attr-defined]
            return sql.SQL("uuidv7()" if seven else "gen_random_uuid()")
        default = value
    return literal(connection, field, default)


def fixed_values(upload_type: UploadType, user: AbstractBaseUser) -> dict[str, Any]:
    """Field → value, as its column has it, of `UploadType.fixed`: a foreign key may be given by its attribute or row.

    Raises TypeError for a name that is no field of the model.
    """
    fields = {name: field for field in upload_type.model._meta.concrete_fields for name in (field.attname, field.name)}
    given = upload_type.fixed(user)
    if unknown := given.keys() - fields.keys():
        raise TypeError(f"{upload_type.identifier}: fixed() names no field of the model: {', '.join(sorted(unknown))}")
    return {fields[name].name: _value_in_column(fields[name], value) for name, value in given.items()}


def insert_defaults(
    connection: BaseDatabaseWrapper, upload_type: UploadType, fixed: Mapping[str, Any]
) -> dict[str, sql.Composable]:
    """Field → value of new rows, for all fields that have one: use those that the file does not carry.

    `fixed`, which are the `fixed_values`, come before `auto_now` and `auto_now_add`, and these before the model's
    defaults. A field that is missing here gets NULL, or what the table's column provides, as an identity column does.
    """
    values: dict[str, sql.Composable] = {}
    for field in upload_type.model._meta.concrete_fields:
        if isinstance(field, GeneratedField):
            continue
        if field.name in fixed:
            values[field.name] = literal(connection, field, fixed[field.name])
            continue
        now = now_of(field) if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False) else None
        value = now or default_of(connection, field)
        if value is not None:
            values[field.name] = value
    return values


def lasting_defaults(
    connection: BaseDatabaseWrapper, upload_type: UploadType, fixed: Mapping[str, Any]
) -> dict[str, sql.Composable]:
    """The part of `insert_defaults` that all new rows share and that is the same at any time; NULL without a default.

    Not the primary key, and neither moments nor random values.
    """
    values = insert_defaults(connection, upload_type, fixed)
    return {
        field.name: values.get(field.name, sql.SQL("NULL"))
        for field in upload_type.model._meta.concrete_fields
        if not field.primary_key and not isinstance(field, GeneratedField) and (field.name in fixed or lasts(field))
    }


def lasts(field: AnyField) -> bool:
    """Whether the default of a field is the same at any time."""
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return False
    if field.has_db_default():
        return isinstance(field._db_default_expression, ValueExpression)  # type: ignore[attr-defined]
    default: Any = field.default
    if default is NOT_PROVIDED or not callable(default):
        return True
    value = default()
    # Two calls may give the same moment, if they follow each other fast enough.
    return not isinstance(value, datetime | time) and bool(value == default())


def update_defaults(upload_type: UploadType) -> dict[str, sql.Composable]:
    """Field → value of rows that change: the fields with `auto_now`."""
    fields = upload_type.model._meta.concrete_fields
    return {field.name: now_of(field) for field in fields if getattr(field, "auto_now", False)}


def now_of(field: AnyField) -> sql.Composable:
    """The moment of the transaction, as a value of a date or time field, in the default time zone."""
    if isinstance(field, DateTimeField):
        return sql.SQL("now()")
    if not isinstance(field, DateField | TimeField):
        raise TypeError(f"{field} is no date or time")
    name = "date" if isinstance(field, DateField) else "time"
    local = sql.SQL("(now() AT TIME ZONE {})").format(sql.Literal(timezone.get_default_timezone_name()))
    return sql.SQL("{}::{}").format(local, sql.SQL(name))


def _value_in_column(field: AnyField, value: Any) -> Any:
    if isinstance(field, ForeignKey) and isinstance(value, Model):
        return getattr(value, field.target_field.attname)
    return value


def _database_default(connection: BaseDatabaseWrapper, field: AnyField) -> sql.Composable:
    expression: Any = field._db_default_expression  # type: ignore[attr-defined]
    compiler = field.model._default_manager.using(connection.alias).query.get_compiler(using=connection.alias)
    text, params = compiler.compile(expression.resolve_expression(compiler.query))
    return sql.SQL(connection.ops.compose_sql(text, params))  # type: ignore[attr-defined]
