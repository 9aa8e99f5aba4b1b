"""Distinct values by hopping through an index, from each value to the next (https://wiki.postgresql.org/wiki/Loose_indexscan).

PostgreSQL's own DISTINCT reads all rows; this reads one for each value.
"""

from __future__ import annotations

from collections.abc import Sequence


def loose_index_scan(name: str, *, key: Sequence[str], source: str, where: str = "", also: Sequence[str] = ()) -> str:
    """The text of a recursive CTE `name` with a row for each value of `key`, in order; for a WITH RECURSIVE.

    `source` is the table or CTE, `where` selects its rows, and `also` names columns that are read with the key. An
    index must begin with the columns of `key`, behind those that `where` compares with a constant.
    Use a key without NULLs: PostgreSQL cannot start behind a row that has one, and reads all rows of its first column.
    """
    columns, order = ", ".join([*key, *also]), ", ".join(key)
    last = ", ".join(f"{name}.{column}" for column in key)
    first, further = (f"WHERE {where}", f"{where} AND") if where else ("", "")
    return f"""{name} AS (
        (SELECT {columns} FROM {source} {first} ORDER BY {order} LIMIT 1)
        UNION ALL
        SELECT next.* FROM {name}, LATERAL (
            SELECT {columns} FROM {source} WHERE {further} ({order}) > ({last}) ORDER BY {order} LIMIT 1
        ) AS next
    )"""  # noqa: S608
