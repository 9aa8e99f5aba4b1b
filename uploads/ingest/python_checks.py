"""What SQL cannot check: validators of model fields, and `UploadType.validate`. Only types that have them pay."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from django.core.exceptions import ValidationError
from psycopg import sql

from jobs.joining import join_sentences
from uploads.ingest.pieces import Value
from uploads.ingest.planning import PLAN, PROBLEMS, TEXT_TYPES, fail_records
from uploads.ingest.rules import python_validators
from uploads.ingest.session import Session
from uploads.ingest.target import Target, planned_column
from uploads.types import UploadType

#: How many rows Python holds at a time, and how many bytes in texts and JSON, unless a single row has more.
BATCH: Final = 1000
BATCH_BYTES: Final = 8 * 1024**2
#: Types whose values may be long.
_LONG_TYPES: Final = (*TEXT_TYPES, "jsonb")


def check_in_python(session: Session, target: Target, *, check: Callable[[], None]) -> None:
    """Add the problems that Python finds, and mark their records as failed. `check` is called between batches."""
    found = 0
    for field, validators in python_validators(target.upload_type).items():
        if field in target.values:
            found += _run_validators(session, target, field, validators, check)
    if type(target.upload_type).validate is not UploadType.validate:
        found += _run_validate(session, target, check)
    if found:
        fail_records(session)


def _run_validators(
    session: Session, target: Target, field: str, validators: Sequence[Any], check: Callable[[], None]
) -> int:
    """Run the validators of a field over its distinct values. For each, one record that has it finds the others."""
    column = sql.Identifier(planned_column(target.values[field]))
    # As in Django, validators do not see the empty text of a field that may be blank.
    may_be_blank = target.upload_type.model._meta.get_field(field).blank  # type: ignore[union-attr]
    is_seen = sql.SQL("{}::text <> ''" if may_be_blank else "{} IS NOT NULL").format(column)
    statement = sql.SQL(
        "SELECT {0}, min(record) FROM {1} WHERE action <> 'failed' AND {2} GROUP BY {0}, {0}::text"
    ).format(column, PLAN, is_seen)
    insert = sql.SQL(
        "INSERT INTO {problems} (record, key, code, value, message)"
        " SELECT p.record, {field}, 'invalid-value', p.{column}::text, w.message"
        " FROM unnest(%s::bigint[], %s::text[]) AS w (record, message) JOIN {plan} AS one ON one.record = w.record"
        " JOIN {plan} AS p ON p.{column}::text = one.{column}::text WHERE p.action <> 'failed'"
    ).format(problems=PROBLEMS, field=sql.Literal(field), column=column, plan=PLAN)
    size = _batch_size(session, [target.values[field]])
    found, wrong = 0, []
    for batch in _batches(session, statement, size):
        check()
        wrong += [(record, message) for value, record in batch if (message := _mistake(validators, value))]
        if len(wrong) >= BATCH:  # not for each batch: the statement reads the whole plan
            found += _insert(session, insert, wrong)
            wrong = []
        if size < BATCH:
            gc.collect(1)  # a ValidationError refers to itself, and keeps the value
    return found + _insert(session, insert, wrong)


def _mistake(validators: Sequence[Any], value: Any) -> str:
    """The messages of the validators that refuse a value; empty if all accept it."""
    messages: list[str] = []
    for validator in validators:
        try:
            validator(value)
        except ValidationError as error:
            messages += error.messages
    return join_sentences(*messages)


def _run_validate(session: Session, target: Target, check: Callable[[], None]) -> int:
    """Give the records to the type in batches, in the order of the file."""
    fields = [value.field for value in target.row.values]
    columns = sql.SQL(", ").join(sql.Identifier(planned_column(value)) for value in target.row.values)
    statement = sql.SQL("SELECT record, {} FROM {} WHERE action <> 'failed' ORDER BY record").format(columns, PLAN)
    insert = sql.SQL(
        "INSERT INTO {} (record, key, code, message) SELECT record, key, 'invalid-value', message"
        " FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS f (record, key, message)"
    ).format(PROBLEMS)
    found = 0
    for batch in _batches(session, statement, _batch_size(session, target.row.values)):
        check()
        rows = [{"record": record, **dict(zip(fields, values, strict=True))} for record, *values in batch]
        errors = [(error.record, error.field, error.message) for error in target.upload_type.validate(rows)]
        found += _insert(session, insert, errors)
    return found


def _insert(session: Session, statement: sql.Composable, rows: Sequence[tuple[Any, ...]]) -> int:
    """Run a statement whose parameters are the columns of `rows`, unless there are none; the number of rows written."""
    return session.run(statement, [list(column) for column in zip(*rows, strict=True)]) if rows else 0


def _batch_size(session: Session, values: Iterable[Value]) -> int:
    """How many rows of the plan fit into a batch if all are as long as the longest."""
    lengths = [
        sql.SQL("coalesce(octet_length({}::text), 0)").format(sql.Identifier(planned_column(value)))
        for value in values
        if value.type.startswith(_LONG_TYPES)
    ]
    if not lengths:
        return BATCH
    [(longest,)] = session.fetch_all(
        sql.SQL("SELECT max({}) FROM {} WHERE action <> 'failed'").format(sql.SQL(" + ").join(lengths), PLAN)
    )
    return min(BATCH, max(1, BATCH_BYTES // int(longest or 1)))


def _batches(session: Session, statement: sql.Composable, size: int) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a large result, without loading it.

    The server keeps it beyond the transaction, so the session is free between two batches: `validate` may query.
    """
    session.require()
    with session.connection.chunked_cursor() as cursor:
        cursor.execute(statement)
        while batch := cursor.fetchmany(size):
            yield batch
