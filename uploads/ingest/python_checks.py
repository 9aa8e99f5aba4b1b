"""What SQL cannot check: validators of model fields, and `UploadType.validate`. Only types that have them pay."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from django.core.exceptions import ValidationError
from psycopg import sql

from uploads.ingest.planning import PLAN, PROBLEMS, fail_records
from uploads.ingest.rules import python_validators
from uploads.ingest.session import Session
from uploads.ingest.target import Target, planned_column
from uploads.types import UploadType

BATCH: Final = 1000


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
    """Run the validators of a field over its distinct values. Their texts find the records again, whatever the type."""
    column = sql.Identifier(planned_column(target.values[field]))
    wrong: list[tuple[str, str]] = []
    # As in Django, validators do not see the empty text of a field that may be blank.
    may_be_blank = target.upload_type.model._meta.get_field(field).blank  # type: ignore[union-attr]
    is_seen = sql.SQL("{}::text <> ''" if may_be_blank else "{} IS NOT NULL").format(column)
    statement = sql.SQL("SELECT DISTINCT {0}, {0}::text FROM {1} WHERE action <> 'failed' AND {2}").format(
        column, PLAN, is_seen
    )
    for batch in _batches(session, statement):
        check()
        wrong += [(text, message) for value, text in batch if (message := _mistake(validators, value))]
    for begin in range(0, len(wrong), BATCH):
        texts, messages = zip(*wrong[begin : begin + BATCH], strict=True)
        session.run(
            sql.SQL(
                "INSERT INTO {problems} (record, key, code, value, message)"
                " SELECT p.record, {field}, 'invalid-value', w.text, w.message"
                " FROM {plan} AS p JOIN unnest(%s::text[], %s::text[]) AS w (text, message)"
                " ON p.{column}::text = w.text"
                " WHERE p.action <> 'failed'"
            ).format(problems=PROBLEMS, field=sql.Literal(field), column=column, plan=PLAN),
            [list(texts), list(messages)],
        )
    return len(wrong)


def _mistake(validators: Sequence[Any], value: Any) -> str:
    """The messages of the validators that refuse a value; empty if all accept it."""
    messages: list[str] = []
    for validator in validators:
        try:
            validator(value)
        except ValidationError as error:
            messages += error.messages
    return " ".join(messages)


def _run_validate(session: Session, target: Target, check: Callable[[], None]) -> int:
    """Give the records to the type in batches, in the order of the file."""
    fields = [value.field for value in target.row.values]
    columns = sql.SQL(", ").join(sql.Identifier(planned_column(value)) for value in target.row.values)
    statement = sql.SQL("SELECT record, {} FROM {} WHERE action <> 'failed' ORDER BY record").format(columns, PLAN)
    found: list[tuple[int, str, str]] = []
    for batch in _batches(session, statement):
        check()
        rows = [{"record": record, **dict(zip(fields, values, strict=True))} for record, *values in batch]
        found += [(error.record, error.field, error.message) for error in target.upload_type.validate(rows)]
    for begin in range(0, len(found), BATCH):
        records, names, messages = zip(*found[begin : begin + BATCH], strict=True)
        session.run(
            sql.SQL(
                "INSERT INTO {} (record, key, code, message) SELECT record, key, 'invalid-value', message"
                " FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS f (record, key, message)"
            ).format(PROBLEMS),
            [list(records), list(names), list(messages)],
        )
    return len(found)


def _batches(session: Session, statement: sql.Composable) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a large result, without loading it.

    The server keeps it beyond the transaction, so the session is free between two batches: `validate` may query.
    """
    session.require()
    with session.connection.chunked_cursor() as cursor:
        cursor.execute(statement)
        while batch := cursor.fetchmany(BATCH):
            yield batch
