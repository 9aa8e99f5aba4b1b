"""What a dry run shows of a plan: a digest that changes if the plan does, and samples of the changes."""

from __future__ import annotations

import json
from itertools import compress
from typing import Any, Final

from psycopg import sql

from uploads.ingest.error_report import LONGEST_VALUE
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

    Long values are cut. A row that was deleted since the plan was made is left out.
    """
    values = target.row.values
    after = [sql.Identifier("p", planned_column(value)) for value in values]
    # Without a key, all rows are new.
    before = [sql.Identifier("t", value.column) for value in values] if target.key else after
    join = sql.SQL("LEFT JOIN {table} AS t ON t.{pk} = p.target WHERE p.target IS NULL OR t.{pk} IS NOT NULL").format(
        table=target.table, pk=target.pk
    )
    rows = session.fetch_all(
        sql.SQL(
            "SELECT p.record, p.action, ARRAY[{before}], ARRAY[{after}], ARRAY[{changed}] FROM"
            " (SELECT * FROM {plan} WHERE action IN ('insert', 'update') ORDER BY record LIMIT {limit}) AS p {join}"
            " ORDER BY p.record"
        ).format(
            before=sql.SQL(", ").join(map(_shown, before)),
            after=sql.SQL(", ").join(map(_shown, after)),
            changed=sql.SQL(", ").join(
                sql.SQL("{} IS DISTINCT FROM {}").format(old, new) for old, new in zip(before, after, strict=True)
            ),
            plan=PLAN,
            join=join if target.key else sql.SQL(""),
            limit=sql.Literal(SAMPLES),
        )
    )
    fields = [value.field for value in values]
    samples = []
    for record, action, *texts, changes in rows:
        old, new = (messages.masked(dict(zip(fields, map(_read, each), strict=True))) for each in texts)
        if action == "insert":
            samples.append({"record": record, "action": action, "after": new})
            continue
        changed = list(compress(fields, changes))
        old, new = ({name: row[name] for name in changed} for row in (old, new))
        samples.append({"record": record, "action": action, "before": old, "after": new})
    return samples


def _shown(value: sql.Composable) -> sql.Composable:
    """A value as JSON; a long one as the beginning of its text."""
    return sql.SQL(
        "(CASE WHEN length({0}::text) <= {1} THEN to_jsonb({0}) ELSE to_jsonb(left({0}::text, {1})) END)::text"
    ).format(value, sql.Literal(LONGEST_VALUE))


def _read(value: str | None) -> Any:
    """A value as JSON. Numbers with decimals stay texts, because a float would change them."""
    return None if value is None else json.loads(value, parse_float=str)
