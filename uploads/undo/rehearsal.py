"""Find out which rows a constraint of the database refuses, which no query can foresee in general."""

from __future__ import annotations

from django.db import transaction
from psycopg import sql

from uploads.undo.loading import UPDATED
from uploads.undo.merging import CHECK_NOW, delete_rows, restore_rows
from uploads.undo.planning import REVERSAL, Undone


def rehearse(undone: Undone) -> None:
    """Plan to keep the rows that a constraint refuses: write row by row, note the refusals, and roll everything back.

    It takes much longer than the set-based writes, so it is only done after these were refused.
    """
    session = undone.session
    with transaction.atomic(using=session.connection.alias):
        session.run(CHECK_NOW)
        session.run(sql.SQL("CREATE INDEX ON {} (target)").format(REVERSAL))
        session.run(sql.SQL("CREATE INDEX ON {} (target)").format(UPDATED))
        session.run(sql.SQL("CREATE TEMP TABLE refused (target text, reason text, detail text)"))
        body = _each_row(undone).as_string(session.connection.connection)
        session.run(sql.SQL("DO {}").format(sql.Literal(body)))
        refused = session.fetch_all(sql.SQL("SELECT target, reason, detail FROM pg_temp.refused"))
        transaction.set_rollback(True, using=session.connection.alias)
    if refused:
        statement = sql.SQL(
            "UPDATE {} AS p SET reason = f.reason, detail = f.detail"
            " FROM unnest(%s::text[], %s::text[], %s::text[]) AS f (target, reason, detail)"
            " WHERE p.target::text = f.target AND p.reason IS NULL"
        ).format(REVERSAL)
        session.run(statement, [list(column) for column in zip(*refused, strict=True)])


def _each_row(undone: Undone) -> sql.Composable:
    """A block of PL/pgSQL that writes each row under a savepoint of its own."""
    return sql.SQL(
        "DECLARE one record; name text; BEGIN"
        " FOR one IN SELECT target, action FROM {reversal} WHERE reason IS NULL ORDER BY action, target LOOP BEGIN"
        "  IF one.action = 'deleted' THEN {delete} AND p.target = one.target;"
        "  ELSE {restore} AND p.target = one.target; END IF;"
        "  EXCEPTION WHEN integrity_constraint_violation THEN"
        "   GET STACKED DIAGNOSTICS name = CONSTRAINT_NAME;"
        "   INSERT INTO pg_temp.refused VALUES (one.target::text, CASE"
        "    WHEN SQLSTATE = '23505' THEN 'key-taken'"
        "    WHEN SQLSTATE IN ('23503', '23001') AND one.action = 'deleted' THEN 'referenced'"
        "    ELSE 'refused' END, nullif(name, ''));"
        " END; END LOOP; END"
    ).format(reversal=REVERSAL, delete=delete_rows(undone), restore=restore_rows(undone))
