"""The planned rows in steps, each small enough for the pace of the session: one statement for each step.

All steps are in one transaction, so together they mean the same as one statement for all rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from psycopg import sql

from uploads.ingest.planning import PLAN
from uploads.ingest.session import Session

#: In whose order the rows of an action are written: a column of the plan, and the same of `plan AS p`.
COLUMNS: Final = {"update": "target", "insert": "record"}
ORDERED_BY: Final = {action: sql.Identifier("p", column) for action, column in COLUMNS.items()}


@dataclass(frozen=True)
class Step:
    """Some rows of one action. `before` rows of the same action precede them.

    Their values of the ordering column are above `after` and at most `to`; None is no bound.
    """

    rows: int
    before: int
    after: object = None
    to: object = None

    def is_within(self, column: sql.Composable) -> sql.Composable:
        """The condition for a column that has the same values as the ordering one.

        Where two tables are joined by that column, both need the condition: PostgreSQL does not infer one of them.
        """
        bounds = [(">", self.after), ("<=", self.to)]
        conditions = [
            sql.SQL("{} {} {}").format(column, sql.SQL(operator), sql.Literal(bound))
            for operator, bound in bounds
            if bound is not None
        ]
        return sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("true")


def prepare_steps(session: Session, action: str) -> None:
    """Let each step be found without reading the whole plan.

    Deferrable constraints are checked at the end of a statement, so with several steps, they wait for the last one.
    """
    if session.governor:
        session.run(sql.SQL("SET CONSTRAINTS ALL DEFERRED"))
        session.run(
            sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} ({}) WHERE action = {}").format(
                sql.Identifier(f"plan_{action}"), PLAN, sql.Identifier(COLUMNS[action]), sql.Literal(action)
            )
        )


def steps(session: Session, action: str, *, rows: int) -> Iterator[Step]:
    """All `rows` of the action, in order; one step, if they are not paced. The pace is waited for behind each step."""
    done, last = 0, None
    while done < rows:
        at_once = session.governor.rows_at_once() if session.governor else None
        step = Step(rows - done, done, last) if at_once is None else _next(session, action, done, last, at_once)
        if step is None:
            return  # the caller notices that rows are missing
        yield step
        done, last = done + step.rows, step.to
        session.pace(step.rows)


def _next(session: Session, action: str, done: int, last: object, at_once: int) -> Step | None:
    following = Step(at_once, done, last).is_within(ORDERED_BY[action])
    found = session.fetch_all(
        sql.SQL(
            "SELECT count(*) OVER (), value FROM (SELECT {column} AS value FROM {plan} AS p"
            " WHERE action = {action} AND {following} ORDER BY {column} LIMIT {limit}"
            ") AS step ORDER BY value DESC LIMIT 1"
        ).format(
            column=ORDERED_BY[action],
            plan=PLAN,
            action=sql.Literal(action),
            following=following,
            limit=sql.Literal(at_once),
        )
    )
    return Step(found[0][0], done, last, found[0][1]) if found else None
