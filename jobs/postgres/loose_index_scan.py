"""Distinct values by a loose index scan, which hops from each value to the next and reads one row for each.

PostgreSQL's own DISTINCT reads all rows (https://wiki.postgresql.org/wiki/Loose_indexscan).
"""

from __future__ import annotations

from collections.abc import Sequence


def loose_index_scan(name: str, *, key: Sequence[str], source: str, where: str = "", also: Sequence[str] = ()) -> str:
    """A CTE for a WITH RECURSIVE: `name` has a row for each value of `key`, in order.

    `source` is a table or CTE, `where` selects its rows, and `also` names further columns to read. An index must begin
    with the columns that `where` compares with a constant, followed by those of `key`. Use a key without NULLs:
    PostgreSQL cannot start behind a row that has one, and reads all rows of its first column.
    """
    columns, order = ", ".join([*key, *also]), ", ".join(key)
    last = ", ".join(f"{name}.{column}" for column in key)
    first, further = (f"WHERE ({where})", f"({where}) AND") if where else ("", "")
    return f"""{name} AS (
        (SELECT {columns} FROM {source} {first} ORDER BY {order} LIMIT 1)
        UNION ALL
        SELECT next.* FROM {name}, LATERAL (
            SELECT {columns} FROM {source} WHERE {further} ({order}) > ({last}) ORDER BY {order} LIMIT 1
        ) AS next
    )"""  # noqa: S608
