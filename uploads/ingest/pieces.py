"""The pieces of SQL that validation gives to the plan.

Names in scope of every piece: `s`, the source (`RowSQL.source`), and what `RowSQL.joins` add. The pieces contain no
parameters: run them without any, because a `%` in a literal would be taken for a placeholder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from psycopg import sql

from uploads.errors import FileError

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


@dataclass(frozen=True)
class Rule:
    """One thing that can be wrong with a cell or a record.

    `key` is one of `UploadType.known_headings()`, or "" for the whole record. `code` is one of `uploads.row_codes`.
    `violated` is a boolean, never NULL, and cheap for a record that is right. `value` is the cell's text, NULL if it is
    empty. `message` is the sentence of the type's author, if there is one. Where `violated` holds, `guard` does, too:
    a cheaper condition, which rules share.
    """

    key: str
    code: str
    violated: sql.Composable
    value: sql.Composable
    message: _StrOrPromise = ""
    guard: sql.Composable | None = None


@dataclass(frozen=True)
class Value:
    """A field of the model that gets its values from the file.

    `typed` is NULL where the text is not valid. Do not cast it to `type`: a cast to `varchar(20)` cuts the text.
    `digested` is what a digest has in place of the value: the cell, if the default of an empty one does not last.
    """

    field: str
    column: str
    type: str
    typed: sql.Composable
    digested: sql.Composable | None = None


@dataclass(frozen=True)
class Join:
    """A join of the source, to be written behind `FROM source AS s` in the order of `RowSQL.joins`.

    It never changes the number of rows.
    """

    sql: sql.Composable


@dataclass(frozen=True)
class RowSQL:
    """What becomes of the staged records: `SELECT … FROM {source} AS s {joins}`.

    `columns` are `record`, the mapped cells (`c0` …), and each typed value. `is_record` leaves out records that are not
    valid CSV and blank ones.
    """

    columns: sql.Composable
    is_record: sql.Composable
    values: tuple[Value, ...]
    joins: tuple[Join, ...]
    rules: tuple[Rule, ...]

    def source(self, staging: sql.Composable) -> sql.Composable:
        """The records in `staging`, or in a table with a part of its rows. Each value is computed once for a record."""
        return sql.SQL("(SELECT {} FROM {} WHERE {} OFFSET 0)").format(self.columns, staging, self.is_record)


def any_violated(rules: Iterable[Rule]) -> sql.Composable:
    """Whether a record is bad: for one that is right, less work than the rules joined by OR; see `Rule.guard`."""
    groups: dict[str, tuple[sql.Composable | None, list[sql.Composable]]] = {}
    for rule in rules:
        groups.setdefault(repr(rule.guard), (rule.guard, []))[1].append(rule.violated)
    parts = [
        sql.SQL("({})" if guard is None else "({guard} AND ({}))").format(sql.SQL(" OR ").join(violated), guard=guard)
        for guard, violated in groups.values()
    ]
    return sql.SQL("({})").format(sql.SQL(" OR ").join(parts)) if parts else sql.SQL("false")


@dataclass(frozen=True)
class Reading:
    """How one cell becomes a value.

    `typed` is NULL where the cell is empty or not valid. `present` says whether the cell holds anything; it may be NULL
    for an empty cell. A cell that is present and has no typed value has the first of `faults` (code → condition) whose
    condition holds, or else `otherwise`; the code "" is no error. Of a text, nothing is invalid: `otherwise` is "".
    """

    typed: sql.Composable
    present: sql.Composable
    faults: Mapping[str, sql.Composable] = field(default_factory=dict)
    otherwise: str = "type-error"


@dataclass(frozen=True)
class ColumnFormat:
    """How the cells of one column are written.

    `dates`: formats of `strptime` for dates and times; without any, ISO 8601. `decimal`: the decimal separator.
    `guarded`: texts have the apostrophes of `tabular.spreadsheets`, in lines with this `delimiter`. `wrapped`: texts
    are written `="00123"`.
    """

    dates: tuple[str, ...] = ()
    decimal: Literal[".", ","] = "."
    guarded: bool = False
    delimiter: str = ","
    wrapped: bool = False


class AmbiguousFormatError(FileError):
    """The cells of a column can be read in two ways. `code` is ambiguous-date or ambiguous-decimal."""
