"""Records in a staging table, read by the SQL that an upload type compiles to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, User
from django.db import connection
from psycopg import sql

from uploads.ingest.formats import ColumnFormat, decide_formats
from uploads.ingest.pieces import any_violated
from uploads.ingest.staging import STAGING
from uploads.ingest.values import RowSQL, row_sql
from uploads.types import UploadType

#: Begins the first cell of a record that is not valid CSV.
TOKEN = "4f1c"


@dataclass(frozen=True)
class Checked:
    """What became of the records: their values, by record and field, and (record, key, code, cell) of each problem."""

    values: Mapping[int, Mapping[str, Any]]
    problems: Sequence[tuple[int, str, str, str | None]]
    sql: RowSQL

    def codes(self, key: str) -> dict[int, list[str]]:
        """The codes of one column, by record."""
        found: dict[int, list[str]] = {}
        for record, problem_key, code, _ in self.problems:
            if problem_key == key:
                found.setdefault(record, []).append(code)
        return found


def stage(records: Sequence[Sequence[str | None]]) -> None:
    """Make the staging table of these records; None is an empty cell, "" one with two quotation marks."""
    width = len(records[0])
    names = [sql.Identifier(f"c{number}") for number in range(width)]
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.staging")
        columns = sql.SQL(", ").join(sql.SQL("{} text").format(name) for name in names)
        cursor.execute(sql.SQL("CREATE TEMP TABLE staging (record bigint PRIMARY KEY, {})").format(columns))
        with cursor.copy(sql.SQL("COPY pg_temp.staging FROM STDIN")) as copy:
            for number, record in enumerate(records, 1):
                copy.write_row((number, *record))


def check(
    upload_type: UploadType,
    records: Sequence[Sequence[str | None]],
    *,
    keys: Sequence[str] = (),
    user: AbstractBaseUser | None = None,
    formats: Mapping[str, ColumnFormat] | None = None,
    with_values: bool = True,
) -> Checked:
    """Stage `records`, whose columns have these keys (by default all known ones, in their order), and read them."""
    stage(records)
    positions = {key: position for position, key in enumerate(keys or upload_type.known_headings())}
    if formats is None:
        formats = decide_formats(connection, upload_type, positions=positions, token=TOKEN)
    row = row_sql(
        connection,
        upload_type,
        positions=positions,
        width=len(records[0]),
        user=user or User(),
        formats=formats,
        token=TOKEN,
    )
    scope = sql.SQL("FROM {} AS s {}").format(row.source(STAGING), sql.SQL(" ").join(join.sql for join in row.joins))
    selected = [sql.SQL("s.record"), any_violated(row.rules)]
    selected += [value.typed for value in row.values if with_values]
    violated = sql.SQL(", ").join(
        sql.SQL("({}, {}::text, {})").format(sql.Literal(number), rule.value, rule.violated)
        for number, rule in enumerate(row.rules)
    )
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT {} {} ORDER BY 1").format(sql.SQL(", ").join(selected), scope))
        rows = cursor.fetchall()
        cursor.execute(
            sql.SQL(
                "SELECT s.record, rule, value, violated {} CROSS JOIN LATERAL (VALUES {}) AS r (rule, value, violated)"
                " WHERE violated IS NOT FALSE ORDER BY 1, 2"
            ).format(scope, violated)
        )
        found = cursor.fetchall()
    assert not [one for one in found if one[3] is None], "a rule is neither violated nor not"
    problems = [(record, row.rules[rule].key, row.rules[rule].code, value) for record, rule, value, _ in found]
    assert {record for record, *_ in problems} == {record for record, is_bad, *_ in rows if is_bad}
    fields = [value.field for value in row.values if with_values]
    values = {record: dict(zip(fields, typed, strict=True)) for record, _, *typed in rows}
    return Checked(values, problems, row)
