"""Plan what each record does, in the temporary table `plan`; nothing is written to the target.

    plan      record, action (insert, update, unchanged, failed), target (primary key), version (xmin), v_<field> …
    problems  record, key, code, value, message, other: each mistake of each failed record

Both are filled by statements with the same joins and the same rules over the same snapshot, so that a record fails in
the plan if and only if it has a problem. Blank records, and those that are not valid CSV, are not in the plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from django.db import transaction
from psycopg import sql

from uploads.ingest.pieces import Rule, any_violated
from uploads.ingest.session import Session
from uploads.ingest.staging import BLANK, CODES_JOINED_BY, STAGING, Staged
from uploads.ingest.target import Target, planned_column
from uploads.types import Counts

PLAN: Final = sql.Identifier("pg_temp", "plan")
PROBLEMS: Final = sql.Identifier("pg_temp", "problems")
#: The staged records that have failed, while their problems are noted.
FAILED: Final = sql.Identifier("pg_temp", "failed")
#: Types whose equal values have equal bytes in every collation that a plan's columns can have.
TEXT_TYPES: Final = ("varchar", "text", "char")


def make_plan(session: Session, target: Target, staged: Staged) -> None:
    """Create both tables. It can be repeated after the target has changed."""
    for table in (PLAN, PROBLEMS, FAILED):
        session.run(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
    session.run(
        sql.SQL(
            "CREATE TEMP TABLE problems"
            " (record bigint NOT NULL, key text NOT NULL, code text NOT NULL, value text, message text, other bigint)"
        )
    )
    rules = [*target.row.rules, *target.rules()]
    # Somebody may add what a record lacks between the two statements: it would be rejected without a reason.
    with transaction.atomic(using=session.connection.alias):
        session.run(sql.SQL("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        _plan_records(session, target, rules)
        [(has_failed,)] = session.fetch_all(
            sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE action = 'failed')").format(PLAN)
        )
        if has_failed:
            _note_violations(session, target, rules)
    _note_invalid(session, staged)
    if target.key:
        _refuse_duplicates(session, target, target.key, code="duplicate-in-file")
    for names in target.unique_sets():
        _refuse_duplicates(session, target, names, code="unique-violation")
        _refuse_taken(session, target, names)


def count_plan(session: Session, staged: Staged) -> Counts:
    """What becomes of the records."""
    planned = dict(session.fetch_all(sql.SQL("SELECT action, count(*) FROM {} GROUP BY action").format(PLAN)))
    return Counts(
        inserted=planned.get("insert", 0),
        updated=planned.get("update", 0),
        unchanged=planned.get("unchanged", 0),
        failed=planned.get("failed", 0) + staged.invalid,
        blank=_count_blank(session, staged),
    )


def analyze_plan(session: Session) -> None:
    """Tell the planner of PostgreSQL how many rows change: without, it looks up each of them in an index.

    Autovacuum does not see temporary tables.
    """
    session.run(sql.SQL("ANALYZE {} (action, target)").format(PLAN))


def fail_records(session: Session) -> None:
    """Mark the records as failed that have got a problem since the plan was made."""
    session.run(
        sql.SQL(
            "UPDATE {plan} SET action = 'failed' WHERE action <> 'failed' AND record IN (SELECT record FROM {problems})"
        ).format(plan=PLAN, problems=PROBLEMS)
    )


def _plan_records(session: Session, target: Target, rules: Iterable[Rule]) -> None:
    violated = any_violated(rules)
    if target.key:
        found = sql.SQL(
            "CASE WHEN {violated} THEN 'failed' WHEN t.{pk} IS NULL THEN 'insert'"
            " WHEN {is_unchanged} THEN 'unchanged' ELSE 'update' END AS action, t.{pk} AS target, t.xmin AS version"
        ).format(violated=violated, pk=target.pk, is_unchanged=target.is_unchanged())
    else:
        found = sql.SQL("CASE WHEN {} THEN 'failed' ELSE 'insert' END AS action").format(violated)
    values = [
        sql.SQL("{} AS {}").format(value.typed, sql.Identifier(planned_column(value))) for value in target.row.values
    ]
    session.run(
        sql.SQL("CREATE TEMP TABLE plan AS SELECT {columns} {from_}").format(
            columns=sql.SQL(", ").join([sql.SQL("s.record"), found, *values]), from_=_from(target, STAGING)
        )
    )


def _note_violations(session: Session, target: Target, rules: Iterable[Rule]) -> None:
    """Evaluate each rule alone, for the failed records only: a copy of them costs less than to read all once more."""
    each = [
        sql.SQL("({}, {}, {}, {}, {}::text)").format(
            sql.Literal(rule.key),
            sql.Literal(rule.code),
            rule.violated,
            rule.value,
            sql.Literal(str(rule.message) or None),
        )
        for rule in rules
    ]
    session.run(
        sql.SQL(
            "CREATE TEMP TABLE failed AS"
            " SELECT * FROM {staging} WHERE record IN (SELECT record FROM {plan} WHERE action = 'failed')"
        ).format(staging=STAGING, plan=PLAN)
    )
    session.run(
        sql.SQL(
            "INSERT INTO {problems} (record, key, code, value, message)"
            " SELECT s.record, r.key, r.code, r.value, r.message {from_}"
            " CROSS JOIN LATERAL (VALUES {each}) AS r (key, code, violated, value, message)"
            " WHERE r.violated"
        ).format(problems=PROBLEMS, from_=_from(target, FAILED), each=sql.SQL(", ").join(each))
    )
    session.run(sql.SQL("DROP TABLE {}").format(FAILED))


def _note_invalid(session: Session, staged: Staged) -> None:
    if staged.invalid:
        session.run(
            sql.SQL(
                "INSERT INTO {problems} (record, key, code)"
                " SELECT record, '', unnest(string_to_array(substr(c0, {begin}), {joint})) FROM {staging}"
                " WHERE starts_with(c0, {token}) AND c0 <> {blank}"
            ).format(
                problems=PROBLEMS,
                staging=STAGING,
                begin=sql.Literal(len(staged.token) + 1),
                joint=sql.Literal(CODES_JOINED_BY),
                token=sql.Literal(staged.token),
                blank=sql.Literal(staged.token + BLANK),
            )
        )


def _refuse_duplicates(session: Session, target: Target, names: Iterable[str], *, code: str) -> None:
    """Two records with the same values of these fields both fail; `other` is the number of another one."""
    brought = [name for name in names if name in target.values]
    keys = [target.planned(name) for name in brought]
    parts = {
        "plan": PLAN,
        "problems": PROBLEMS,
        "keys": sql.SQL(", ").join(keys),
        "known": sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(key) for key in keys),
        "key": sql.Literal(brought[0]),
        "code": sql.Literal(code),
        "text": _text_of(target, brought),
    }
    if _has_duplicates(session, target, names):
        session.run(
            sql.SQL(
                "INSERT INTO {problems} (record, key, code, value, other)"
                " SELECT record, {key}, {code}, text, CASE WHEN record = first THEN next ELSE first END FROM ("
                "  SELECT p.record, {text} AS text, count(*) OVER same AS number, min(p.record) OVER same AS first,"
                "   lead(p.record) OVER (PARTITION BY {keys} ORDER BY p.record) AS next"
                "  FROM {plan} AS p WHERE {known} WINDOW same AS (PARTITION BY {keys})"
                " ) AS counted WHERE number > 1"
            ).format(**parts)
        )
        fail_records(session)


def _has_duplicates(session: Session, target: Target, names: Iterable[str]) -> bool:
    """Whether two records have the same values of these fields.

    The distinct values of one field are counted in their order, which costs a third of grouping them if the file is in
    that order already, and no more if it is not. The order of bytes is the cheapest of a text.
    """
    values = [target.values[name] for name in names if name in target.values]
    keys = [sql.Identifier("p", planned_column(value)) for value in values]
    if len(values) == 1:
        (key,), is_text = keys, values[0].type.startswith(TEXT_TYPES)
        counted = sql.SQL('{} COLLATE "C"' if is_text else "{}").format(key)
        statement = sql.SQL("SELECT count(DISTINCT {}) < count({}) FROM {} AS p").format(counted, key, PLAN)
    else:
        statement = sql.SQL(
            "SELECT EXISTS (SELECT FROM {plan} AS p WHERE {known} GROUP BY {keys} HAVING count(*) > 1)"
        ).format(
            plan=PLAN,
            known=sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(key) for key in keys),
            keys=sql.SQL(", ").join(keys),
        )
    [(found,)] = session.fetch_all(statement)
    return bool(found)


def _refuse_taken(session: Session, target: Target, names: Iterable[str]) -> None:
    """Records fail whose values of these fields belong to another row of the table."""
    on = [sql.SQL("o.{} = {}").format(target.column(name), target.planned(name)) for name in names]
    other = sql.SQL("AND p.target IS DISTINCT FROM o.{}").format(target.pk) if target.key else sql.SQL("")
    brought = [name for name in names if name in target.values]
    taken = session.run(
        sql.SQL(
            "INSERT INTO {problems} (record, key, code, value)"
            " SELECT p.record, {key}, 'unique-violation', {text} FROM {plan} AS p JOIN {table} AS o ON {on}"
            " WHERE p.action IN ('insert', 'update') {other}"
        ).format(
            problems=PROBLEMS,
            plan=PLAN,
            table=target.table,
            key=sql.Literal(brought[0]),
            text=_text_of(target, brought),
            on=sql.SQL(" AND ").join(on),
            other=other,
        )
    )
    if taken:
        fail_records(session)


def _count_blank(session: Session, staged: Staged) -> int:
    cells = sql.SQL(", ").join(sql.Identifier(name) for name in staged.cells)
    [(empty,)] = session.fetch_all(sql.SQL("SELECT count(*) FROM {} WHERE ROW ({}) IS NULL").format(STAGING, cells))
    return int(empty) + staged.blank


def _text_of(target: Target, names: Sequence[str]) -> sql.Composable:
    """The values as a text, for a problem of the first field. Of the others, secret ones are left out: a message masks
    the text by the first field only.
    """
    shown = [names[0], *(name for name in names[1:] if not target.upload_type.hides(name))]
    return sql.SQL("concat_ws(', ', {})").format(sql.SQL(", ").join(map(target.planned, shown)))


def _from(target: Target, staging: sql.Composable) -> sql.Composable:
    joins = sql.SQL(" ").join(join.sql for join in target.row.joins)
    return sql.SQL("FROM {} AS s {} {}").format(target.row.source(staging), joins, target.joins())
