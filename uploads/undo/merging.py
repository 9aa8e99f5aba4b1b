"""Write the planned reversal to the table, in the transaction that finishes the job."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import IntegrityError
from django.utils.translation import gettext_noop as _
from psycopg import sql

from jobs.errors import PostponedError
from uploads.ingest.defaults import update_defaults
from uploads.ingest.merging import (
    PlanMovedError,
    lock_planned,
    repeat_after_conflicts,
    require_rows,
    run_in_key_order,
)
from uploads.undo.loading import UPDATED
from uploads.undo.planning import REVERSAL, Reversed, Undone
from uploads.undo.references import is_referenced

#: Constraints of Django wait for the end of the transaction by default, which would be too late.
CHECK_NOW: Final = sql.SQL("SET CONSTRAINTS ALL IMMEDIATE")
CHECK_LATER: Final = sql.SQL("SET CONSTRAINTS ALL DEFERRED")


class RowsRefusedError(PostponedError):
    """A constraint refuses some rows. The attempt is made again, finds out which, and does not count."""

    MESSAGE: Final = _("A constraint of the table refuses some of the old values. The undo will leave out their rows.")

    def __init__(self, refusal: IntegrityError) -> None:
        super().__init__(self.MESSAGE, delay=timedelta(seconds=1))
        self.refusal = refusal


def reverse(undone: Undone, counts: Reversed) -> None:
    """Delete and restore the rows, as planned.

    Raises PlanMovedError if the rows have changed since the plan, RowsRefusedError, SessionLostError, WrongSumError, or
    a database error.
    """
    repeat_after_conflicts(undone.session, lambda: _write(undone, counts))


def _write(undone: Undone, counts: Reversed) -> None:
    session = undone.session
    planned = sql.SQL("SELECT target, version FROM {} WHERE reason IS NULL").format(REVERSAL)
    # No row can begin to refer to a row that is locked FOR UPDATE.
    strength = "UPDATE" if counts.deleted else "NO KEY UPDATE"
    expected = counts.restored + counts.deleted
    lock_planned(session, planned, table=undone.table, pk=undone.pk, expected=expected, strength=strength)
    if counts.deleted:
        _require_unreferenced(undone)
    try:
        if counts.deleted:
            require_rows(run_in_key_order(session, delete_rows(undone)), counts.deleted)
        if counts.restored:
            require_rows(run_in_key_order(session, restore_rows(undone)), counts.restored)
        session.run(CHECK_NOW)
        session.run(CHECK_LATER)
    except IntegrityError as error:
        raise RowsRefusedError(error) from error
    undone.upload_type.after_undo(session.connection, restored=counts.restored, deleted=counts.deleted)


def delete_rows(undone: Undone) -> sql.Composable:
    """The statement that deletes the planned rows."""
    return sql.SQL(
        "DELETE FROM {table} AS t USING {reversal} AS p"
        " WHERE t.{pk} = p.target AND p.action = 'deleted' AND p.reason IS NULL"
    ).format(table=undone.table, reversal=REVERSAL, pk=undone.pk)


def restore_rows(undone: Undone) -> sql.Composable:
    """The statement that gives the planned rows their old values. Fields with `auto_now` get the current time."""
    columns = [column for column, _ in undone.images.updated]
    changes = [
        sql.SQL("{} = i.{}").format(sql.Identifier(column), sql.Identifier(f"o{number}"))
        for number, column in enumerate(columns)
    ]
    for name, now in update_defaults(undone.upload_type).items():
        column = str(undone.model._meta.get_field(name).column)  # type: ignore[union-attr]
        if column not in columns:
            changes.append(sql.SQL("{} = {}").format(sql.Identifier(column), now))
    return sql.SQL(
        "UPDATE {table} AS t SET {changes} FROM {reversal} AS p JOIN {images} AS i ON i.target = p.target"
        " WHERE t.{pk} = p.target AND p.action = 'restored' AND p.reason IS NULL"
    ).format(
        table=undone.table,
        changes=sql.SQL(", ").join(changes),
        reversal=REVERSAL,
        images=UPDATED,
        pk=undone.pk,
    )


def _require_unreferenced(undone: Undone) -> None:
    """A cascade of the database must delete no row that came to refer to one of ours since the plan."""
    [(found,)] = undone.session.fetch_all(
        sql.SQL(
            "SELECT EXISTS (SELECT FROM {reversal} AS p JOIN {table} AS t ON t.{pk} = p.target"
            " WHERE p.action = 'deleted' AND p.reason IS NULL AND {referenced})"
        ).format(
            reversal=REVERSAL,
            table=undone.table,
            pk=undone.pk,
            referenced=is_referenced(undone.session, undone.model),
        )
    )
    if found:
        raise PlanMovedError
