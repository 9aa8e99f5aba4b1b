"""What a dry run shows of a plan: a digest that changes if the plan does, and samples of the changes."""

from __future__ import annotations

import json
from typing import Any, Final

from psycopg import sql

from uploads.ingest.messages import Messages
from uploads.ingest.planning import PLAN
from uploads.ingest.session import Session
from uploads.ingest.staging import STAGING
from uploads.ingest.target import Target, planned_column

SAMPLES: Final = 100


def digest_of_plan(session: Session, target: Target) -> str:
    """32 hexadecimal digits. Equal plans have equal digests: the same values, for rows in the same versions.

    The order of the rows does not matter: their hashes are added up. Where an empty cell gets a default that does not
    last, such as one from the clock, the cells count instead of the values.
    """
    plan: sql.Composable = sql.SQL("{} AS p").format(PLAN)
    text: sql.Composable = sql.SQL("p::text")
    if cells := {planned_column(one): one.digested for one in target.row.values if one.digested is not None}:
        plan = sql.SQL("{} JOIN {} AS s USING (record)").format(plan, STAGING)
        text = sql.SQL("(to_jsonb(p) - {}::text[])::text || ROW({})::text").format(
            sql.Literal(list(cells)), sql.SQL(", ").join(cells.values())
        )
    [(first, second)] = session.fetch_all(
        sql.SQL(
            "SELECT coalesce(sum(hashtextextended({text}, 1)::numeric), 0) % 18446744073709551616,"
            " coalesce(sum(hashtextextended({text}, 2)::numeric), 0) % 18446744073709551616 FROM {plan}"
        ).format(text=text, plan=plan)
    )
    return "".join(f"{int(part) % 2**64:016x}" for part in (first, second))


def samples_of_plan(session: Session, target: Target, messages: Messages) -> list[dict[str, Any]]:
    """The first records that change something: `{record, action, before, after}`, with the changed fields.

    A row that was deleted since the plan was made is left out.
    """
    join = sql.SQL("LEFT JOIN {} AS t ON t.{} = p.target").format(target.table, target.pk)
    exists = sql.SQL("AND (p.target IS NULL OR t.{} IS NOT NULL)").format(target.pk)
    rows = session.fetch_all(
        sql.SQL(
            "SELECT p.record, p.action, {before}, to_jsonb(p)::text FROM {plan} AS p {join}"
            " WHERE p.action IN ('insert', 'update') {exists} ORDER BY p.record LIMIT {limit}"
        ).format(
            before=sql.SQL("to_jsonb(t)::text") if target.key else sql.SQL("NULL"),
            plan=PLAN,
            join=join if target.key else sql.SQL(""),
            exists=exists if target.key else sql.SQL(""),
            limit=sql.Literal(SAMPLES),
        )
    )
    return [
        _sample(target, messages, record, action, _read(before), _read(after)) for record, action, before, after in rows
    ]


def _read(row: str | None) -> dict[str, Any]:
    """A row as JSON. Numbers with decimals stay texts, because a float would change them."""
    read: dict[str, Any] = json.loads(row, parse_float=str) if row else {}
    return read


def _sample(
    target: Target, messages: Messages, record: int, action: str, row: dict[str, Any], planned: dict[str, Any]
) -> dict[str, Any]:
    after = {value.field: planned[planned_column(value)] for value in target.row.values}
    shown = messages.masked(after)
    if action == "insert":
        return {"record": record, "action": action, "after": shown}
    before = {value.field: row[value.column] for value in target.row.values}
    changed = [name for name in after if before[name] != after[name]]
    old = messages.masked(before)
    return {
        "record": record,
        "action": action,
        "before": {name: old[name] for name in changed},
        "after": {name: shown[name] for name in changed},
    }
