"""Write the planned rows to the target: the only step that changes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import takewhile
from typing import Any, Final

import structlog
from django.db import DatabaseError, transaction
from django.utils.translation import gettext_noop as _
from psycopg import sql

from jobs.classification import causes, sqlstate
from jobs.errors import JobError, PostponedError, RetryableError
from jobs.models import Attempt
from jobs.postgres.outages import CONFLICTS
from jobs.states import Outcome
from uploads.errors import FileError
from uploads.ingest.accounting import WrongSumError
from uploads.ingest.defaults import insert_defaults, update_defaults
from uploads.ingest.planning import PLAN
from uploads.ingest.reserving import reserved_key
from uploads.ingest.session import Session, postponed_if_locked
from uploads.ingest.steps import ORDERED_BY, Step, prepare_steps, steps
from uploads.ingest.target import Target, planned_column
from uploads.types import Counts

logger = structlog.get_logger(__name__)

#: How often the writes are tried when they meet a deadlock or a serialization failure.
TRIALS: Final = 4
#: What refuses rows in which the plan has found nothing wrong: constraints, and RAISE in a trigger.
VIOLATIONS: Final = {"23502": "missing-value", "23514": "check-failed", "P0001": "check-failed"}
#: Violations that a row may cause which somebody has written or deleted since the plan. A new plan names the record.
MOVED: Final = {"23503": "unknown-lookup", "23505": "unique-violation", "23P01": "unique-violation"}
#: How often in a row an upload begins again because the table has changed, after 1, 2, 4 … seconds.
MOST_NEW_PLANS: Final = 5


class PlanMovedError(PostponedError):
    """The rows of the table are no longer as planned. The attempt is made again, and does not count.

    `violation` is the error if this happens again and again; None if rows to be updated were changed.
    """

    MESSAGE: Final = "The table changed while the rows were written. The upload begins again."

    def __init__(self, violation: FileError | None = None) -> None:
        super().__init__(self.MESSAGE)
        self.violation = violation


class StatementFailedError(JobError):
    """A statement of the merge failed, but its session goes on: a new session would not help. The cause says why."""


def begin_again(error: PlanMovedError, attempt: Attempt) -> Exception:
    """The error to end the attempt with: `error` with a delay, unless the same has ended too many before it."""
    earlier = Attempt.objects.filter(job=attempt.job_id, number__lt=attempt.number).order_by("-number")
    ends = earlier.values_list("outcome", "error_message")[:MOST_NEW_PLANS]
    times = sum(1 for _ in takewhile(lambda end: end == (Outcome.HANDED_BACK, error.MESSAGE), ends))
    if times < MOST_NEW_PLANS:
        error.delay = timedelta(seconds=2**times)
        return error
    return error.violation or RetryableError(_("Others change the table faster than the upload can be written."))


def merge(session: Session, target: Target, counts: Counts) -> None:
    """Write the rows in the current transaction, as the plan says.

    Raises PlanMovedError if the table has changed since the plan, FileError if the table refuses the rows, and the
    errors of `repeat_after_conflicts`.
    """
    repeat_after_conflicts(session, lambda: _write(session, target, counts))


def repeat_after_conflicts(session: Session, write: Callable[[], None]) -> None:
    """Call `write` under a savepoint of the current transaction, again after a deadlock or a serialization failure.

    Raises TargetLockedError, SessionLostError, StatementFailedError, or a database error if the session is lost.
    """
    session.require()
    for trial in range(1, TRIALS + 1):
        try:
            with postponed_if_locked(), transaction.atomic(using=session.connection.alias):
                write()
            return
        except DatabaseError as error:
            if session.is_lost:
                raise
            if sqlstate(error) not in CONFLICTS or trial == TRIALS:
                raise StatementFailedError(str(error)) from error
            logger.warning("merge_repeated", sqlstate=sqlstate(error), trial=trial)


def _write(session: Session, target: Target, counts: Counts) -> None:
    with _violations_explained():
        if counts.updated:
            _update_planned(session, target, counts.updated)
        if counts.inserted:
            prepare_steps(session, "insert")
            to_insert = steps(session, "insert", rows=counts.inserted)
            require_rows(sum(_insert(session, target, step) for step in to_insert), counts.inserted)
            _move_sequence(session, target)
        target.upload_type.after_merge(session.connection, counts)
        session.connection.check_constraints()  # the deferred ones; in the commit nobody could explain the error


def _update_planned(session: Session, target: Target, rows: int) -> None:
    """Lock all rows before the first is changed: a trigger may change others of them, which is no move of the plan."""
    prepare_steps(session, "update")
    planned = sql.SQL("SELECT target, version FROM {} AS p WHERE action = 'update' AND {}")
    for step in steps(session, "update", rows=rows):
        within = planned.format(PLAN, step.is_within(ORDERED_BY["update"]))
        lock_planned(session, within, table=target.table, pk=target.pk, expected=step.rows)
    require_rows(sum(_update(session, target, step) for step in steps(session, "update", rows=rows)), rows)


def lock_planned(
    session: Session,
    planned: sql.Composable,
    *,
    table: sql.Composable,
    pk: sql.Composable,
    expected: int,
    strength: str = "NO KEY UPDATE",
) -> None:
    """Lock the rows to change, in the order of their primary keys. `planned` selects `target` and `version` (xmin).

    Raises PlanMovedError unless `expected` rows are there and in these versions.
    """
    [(as_planned,)] = session.fetch_all(
        sql.SQL(
            "SELECT count(*) FILTER (WHERE same) FROM ("
            " SELECT t.xmin = p.version AS same FROM ({planned}) AS p JOIN {table} AS t ON t.{pk} = p.target"
            " ORDER BY t.{pk} FOR {strength} OF t"
            ") AS locked"
        ).format(planned=planned, table=table, pk=pk, strength=sql.SQL(strength))
    )
    if as_planned != expected:
        raise PlanMovedError


def run_in_key_order(session: Session, statement: sql.Composable) -> int:
    """Run an UPDATE or DELETE that joins the table by its key, and return the number of rows that it wrote.

    A hash join larger than its memory takes the rows batch by batch, each from all over the table. Rows side by side
    then change long after each other, and after every checkpoint PostgreSQL logs the first change of a page as a whole
    page: 5,000,000 rows wrote more than 57 GB of WAL. A merge join takes them in the order of their keys.
    """
    session.run(sql.SQL("SET LOCAL enable_hashjoin = off"))
    written = session.run(statement)
    session.run(sql.SQL("SET LOCAL enable_hashjoin TO DEFAULT"))
    return written


def _update(session: Session, target: Target, step: Step) -> int:
    changes = [
        sql.SQL("{} = p.{}").format(sql.Identifier(value.column), sql.Identifier(planned_column(value)))
        for value in target.changing
    ]
    changes += [
        sql.SQL("{} = {}").format(target.column(name), now)
        for name, now in update_defaults(target.upload_type).items()
        if name not in target.values
    ]
    return run_in_key_order(
        session,
        sql.SQL(
            "UPDATE {table} AS t SET {changes} FROM {plan} AS p"
            " WHERE t.{pk} = p.target AND p.action = 'update' AND {is_within} AND {same_keys}"
        ).format(
            table=target.table,
            changes=sql.SQL(", ").join(changes),
            plan=PLAN,
            pk=target.pk,
            is_within=step.is_within(ORDERED_BY["update"]),
            same_keys=step.is_within(sql.SQL("t.{}").format(target.pk)),
        ),
    )


def _insert(session: Session, target: Target, step: Step) -> int:
    defaults = insert_defaults(session.connection, target.upload_type, target.fixed)
    columns = {
        **{target.column_name(name): value for name, value in defaults.items()},
        **{value.column: sql.Identifier("p", planned_column(value)) for value in target.row.values},
    }
    source, overriding = sql.SQL("{} AS p").format(PLAN), sql.SQL("")
    if (reserved := reserved_key(session, before=step.before)) is not None:
        columns[target.column_name("pk")], join = reserved
        source += sql.SQL(" ") + join
        overriding = sql.SQL("OVERRIDING SYSTEM VALUE")
    return session.run(
        sql.SQL(
            "INSERT INTO {table} ({columns}) {overriding} SELECT {values} FROM {source}"
            " WHERE p.action = 'insert' AND {is_within} ORDER BY record"
        ).format(
            table=target.table,
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            overriding=overriding,
            values=sql.SQL(", ").join(columns.values()),
            source=source,
            is_within=step.is_within(ORDERED_BY["insert"]),
        )
    )


def _move_sequence(session: Session, target: Target) -> None:
    """If the file brings primary keys, let the table's sequence continue behind them."""
    if target.pk_field not in target.values:
        return
    session.run(
        sql.SQL(
            "SELECT setval(sequence, highest) FROM ("
            " SELECT pg_get_serial_sequence({table}, {column})::regclass AS sequence, max({pk}) AS highest"
            " FROM {plan} AS p WHERE p.action = 'insert'"
            ") AS moved WHERE sequence IS NOT NULL AND highest > coalesce(pg_sequence_last_value(sequence), 0)"
        ).format(
            table=sql.Literal(target.table.as_string(session.connection.connection)),
            column=sql.Literal(target.column_name(target.pk_field)),
            pk=target.planned(target.pk_field),
            plan=PLAN,
        )
    )


def require_rows(written: int, planned: int) -> None:
    """A trigger or a rule may have left out rows: then the sum would not hold."""
    if written != planned:
        raise WrongSumError(f"the database wrote {written:,} rows instead of {planned:,}")


@contextmanager
def _violations_explained() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        state = sqlstate(error)
        if state in MOVED:
            raise PlanMovedError(_violation(MOVED[state], error)) from error
        if state in VIOLATIONS:
            raise _violation(VIOLATIONS[state], error) from error
        raise


def _violation(code: str, error: DatabaseError) -> FileError:
    diagnosed = _diagnosed(error)
    name = diagnosed.constraint_name or diagnosed.column_name
    rule = f"the constraint {name}" if name else "a trigger"
    return FileError(code, f"The table refuses the rows, because of {rule}.")


def _diagnosed(error: BaseException) -> Any:
    return next(cause.diag for cause in causes(error) if hasattr(cause, "diag"))
