"""Conditions over whole records: `Column.check`, and the CHECK constraints of the model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db.models import CheckConstraint
from django.db.models.sql import Query
from psycopg import sql

from uploads.ingest.pieces import Join, Rule, Value
from uploads.ingest.rules import StagedColumn
from uploads.row_codes import message_for
from uploads.row_codes.cells import CHECK_FAILED

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.utils.functional import _StrOrPromise

    from uploads.types import UploadType

_LITERAL: Final = re.compile(r"'[^']*+'")
_QUOTED_NAME: Final = re.compile(r'"([^"]++)"')
_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True)
class _Check:
    key: str
    condition: str
    message: _StrOrPromise


def record_checks(
    connection: BaseDatabaseWrapper,
    upload_type: UploadType,
    values: Sequence[Value],
    staged: Mapping[str, StagedColumn],
) -> tuple[tuple[Join, ...], tuple[Rule, ...]]:
    """A join that evaluates each condition, and a rule for each.

    A condition over a column of the model that is not in the file cannot be checked here: PostgreSQL checks a
    constraint when the row is written. As in SQL, a condition that is neither true nor false is not violated.
    """
    given = {value.column: value for value in values}
    absent = {field.column for field in upload_type.model._meta.concrete_fields} - given.keys()
    checks = [
        one
        for one in (*_declared(upload_type, staged), *_constraints(connection, upload_type, values))
        if not names_in(one.condition) & absent
    ]
    if not checks:
        return (), ()
    # In a query of its own, so that the names mean the record's values and nothing else.
    columns = sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(value.typed, sql.Identifier(value.column)) for value in values
    )
    conditions = sql.SQL(", ").join(
        sql.SQL("({}\n) AS {}").format(sql.SQL(one.condition), sql.Identifier(f"check_{number}"))
        for number, one in enumerate(checks)
    )
    join = sql.SQL("CROSS JOIN LATERAL (SELECT {} FROM (SELECT {}) AS given) AS checks").format(conditions, columns)
    rules = (
        Rule(
            one.key,
            "check-failed",
            sql.SQL("checks.{} IS FALSE").format(sql.Identifier(f"check_{number}")),
            staged[one.key].cell if one.key in staged else sql.SQL("NULL::text"),
            one.message,
        )
        for number, one in enumerate(checks)
    )
    return (Join(join),), tuple(rules)


def _declared(upload_type: UploadType, staged: Mapping[str, StagedColumn]) -> Iterator[_Check]:
    for name, column in upload_type.columns.items():
        if column.check and name in staged:
            yield _Check(name, column.check, column.message)


def _constraints(connection: BaseDatabaseWrapper, upload_type: UploadType, values: Sequence[Value]) -> Iterator[_Check]:
    """A constraint over one column of the file is an error of that column, else of the record."""
    for constraint in upload_type.model._meta.constraints:
        if isinstance(constraint, CheckConstraint):
            condition = _constraint_sql(connection, upload_type, constraint)
            names = names_in(condition)
            keys = [value.field for value in values if value.column in names]
            message = constraint.violation_error_message
            own = message if message != constraint.default_violation_error_message else ""
            broken = own or message_for(CHECK_FAILED, rule=constraint.name)
            yield _Check(keys[0] if len(keys) == 1 else "", condition, broken)


def _constraint_sql(connection: BaseDatabaseWrapper, upload_type: UploadType, constraint: CheckConstraint) -> str:
    query = Query(model=upload_type.model, alias_cols=False)
    condition: Any = constraint.condition
    compiler = query.get_compiler(connection=connection)
    text, params = query.build_where(condition).as_sql(compiler, connection)
    composed: str = connection.ops.compose_sql(text, params)  # type: ignore[attr-defined]
    return composed


def names_in(condition: str) -> set[str]:
    """All words of a condition outside of literals: the columns that it names are among them."""
    outside = _LITERAL.sub(" ", condition)
    return set(_QUOTED_NAME.findall(outside)) | {word.lower() for word in _WORD.findall(outside)}
