"""The primary keys of new rows, known before the merge, so that an undo finds the rows again."""

from __future__ import annotations

from typing import Final

from psycopg import sql

from uploads.ingest.defaults import insert_defaults
from uploads.ingest.planning import PLAN
from uploads.ingest.session import Session
from uploads.ingest.target import Target

#: A key for each record: record, pk.
RESERVED: Final = sql.Identifier("pg_temp", "reserved")
#: One row, if the keys can be computed: the first record and its key, the step to the next key, and whether the
#: numbers of the records have no gap.
RESERVED_RANGE: Final = sql.Identifier("pg_temp", "reserved_range")


def reserve_keys(session: Session, target: Target) -> bool:
    """Whether the primary key of each new row is known now.

    If the file does not bring it, it is taken from the sequence or the default of its column, for each new row in the
    order of the file. The merge inserts these keys. Keys from neither source are not known.

    Numbers of a sequence that nobody else used meanwhile follow one another: only the first of them is kept. Other keys
    are kept in a temporary table.
    """
    for table in (RESERVED, RESERVED_RANGE):
        session.run(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
    if target.pk_field in target.values:
        return True
    sequence = _sequence(session, target)
    if sequence and _reserve_range(session, sequence):
        return True
    key = _next_of(sequence) if sequence else None
    key = key or insert_defaults(session.connection, target.upload_type, target.fixed).get(target.pk_field)
    if key is None:
        return False
    session.run(
        sql.SQL(
            "CREATE TEMP TABLE reserved AS SELECT record, {key} AS pk FROM"
            " (SELECT record FROM {plan} WHERE action = 'insert' ORDER BY record) AS p"
        ).format(key=key, plan=PLAN)
    )
    return True


def reserved_key(session: Session, *, before: int = 0) -> tuple[sql.Composable, sql.Composable] | None:
    """What `reserve_keys` has kept: the primary key of a planned new row, and the join to `plan AS p` that it needs.

    Select it from new rows only, of which `before` were left out at the beginning: it may be a window function.
    """
    [(has_range, has_table)] = session.fetch_all(
        sql.SQL("SELECT to_regclass('pg_temp.reserved_range') IS NOT NULL, to_regclass('pg_temp.reserved') IS NOT NULL")
    )
    if has_range:
        return _key_in_range(session, before), sql.SQL("")
    return (sql.SQL("k.pk"), sql.SQL("JOIN {} AS k USING (record)").format(RESERVED)) if has_table else None


def planned_key(session: Session, target: Target) -> tuple[sql.Composable, sql.Composable]:
    """As `reserved_key`, also if the file brings the primary key."""
    return reserved_key(session) or (target.planned(target.pk_field), sql.SQL(""))


def _reserve_range(session: Session, sequence: str) -> bool:
    """Take a number for each new row. False if they have gaps: others took numbers meanwhile. Ours are then unused.

    A session takes its numbers in order. So n numbers from a to a + (n - 1) × step are all the numbers between them.
    """
    session.run(
        sql.SQL(
            "CREATE TEMP TABLE reserved_range AS"
            " SELECT first, CASE WHEN step > 0 THEN lowest ELSE highest END AS pk, step,"
            " last - first = number - 1 AS is_gapless FROM ("
            "  SELECT count(*) AS number, min(record) AS first, max(record) AS last,"
            "   min(pk) AS lowest, max(pk) AS highest"
            "  FROM (SELECT record, {next} AS pk FROM {plan} WHERE action = 'insert') AS p"
            " ) AS taken, (SELECT seqincrement AS step FROM pg_sequence WHERE seqrelid = {sequence}::regclass) AS s"
            " WHERE highest::numeric - lowest = (number - 1) * abs(step::numeric)"
        ).format(next=_next_of(sequence), plan=PLAN, sequence=sql.Literal(sequence))
    )
    [(is_range,)] = session.fetch_all(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(RESERVED_RANGE))
    if not is_range:
        session.run(sql.SQL("DROP TABLE {}").format(RESERVED_RANGE))
    return bool(is_range)


def _key_in_range(session: Session, before: int) -> sql.Composable:
    [(first, key, step, is_gapless)] = session.fetch_all(
        sql.SQL("SELECT first, pk, step, is_gapless FROM {}").format(RESERVED_RANGE)
    )
    number = (
        sql.SQL("(p.record - {})").format(first)
        if is_gapless
        else sql.SQL("(row_number() OVER (ORDER BY p.record) - 1 + {})").format(before)
    )
    return sql.SQL("({} + {} * {})").format(sql.Literal(key), sql.Literal(step), number)


def _next_of(sequence: str) -> sql.Composable:
    return sql.SQL("nextval({}::regclass)").format(sql.Literal(sequence))


def _sequence(session: Session, target: Target) -> str | None:
    """The name of the sequence behind the primary key, quoted."""
    table = target.table.as_string(session.connection.connection)
    [(sequence,)] = session.fetch_all(
        sql.SQL("SELECT pg_get_serial_sequence({}, {})").format(
            sql.Literal(table), sql.Literal(target.column_name("pk"))
        )
    )
    return sequence  # type: ignore[no-any-return]
