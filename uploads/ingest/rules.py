"""What can be wrong with the cells of a column, and with a record as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.core import validators
from psycopg import sql

from uploads.ingest.cells import all_of, any_of, damaged_code
from uploads.ingest.fields import FileColumn
from uploads.ingest.pieces import Reading, Rule
from uploads.limits import limit_of
from uploads.value_types import choices_of

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from uploads.types import UploadType

#: Validators that are expressed in SQL, or that PostgreSQL's own types make superfluous.
_IN_SQL: Final = (
    validators.MinValueValidator,
    validators.MaxValueValidator,
    validators.MinLengthValidator,
    validators.MaxLengthValidator,
    validators.DecimalValidator,
    validators.ProhibitNullCharactersValidator,
)
_BY_TYPE: Final = ("GenericIPAddressField", "UUIDField", "JSONField")
#: PostgreSQL can keep values that Python cannot hold: reading a row with such a value would fail.
_HELD_BY_PYTHON: Final = {
    "DateTimeField": "timestamptz '0001-01-01 00:00:00+00' AND timestamptz '9999-12-31 23:59:59.999999+00'",
    "DurationField": "interval '-999999999 days' AND interval '999999999 days 23:59:59.999999'",
}


@dataclass(frozen=True)
class StagedColumn:
    """A column with its expressions behind the source: the cell, its typed value, and how it was read.

    `default` is what an empty cell becomes; None for NULL.
    """

    of: FileColumn
    cell: sql.Composable
    typed: sql.Composable
    reading: Reading
    default: sql.Composable | None


def rules_of(connection: BaseDatabaseWrapper, staged: StagedColumn, model_field: Any) -> Iterator[Rule]:
    """The rules of one column, but for its lookup. `model_field` is the field of the model that it fills."""
    of, column = staged.of, staged.of.column
    if column is not None:
        must = column.required or of.is_key
        if must or (not model_field.null and staged.default is None):
            code = "missing-key" if of.is_key else "missing-value"
            missing = _is_missing(staged, must=must and not (of.is_key and model_field.blank))
            is_null = sql.SQL("{} IS NULL").format(staged.typed)
            is_guarded = staged.reading.otherwise and staged.default is None
            yield Rule(of.key, code, missing, staged.cell, guard=is_null if is_guarded else None)
    yield from _faults(staged)
    if of.is_text and not of.is_free_text and not choices_of(of.cell_field, column):
        damaged = sql.SQL("{} IS TRUE").format(damaged_code(staged.typed))
        yield Rule(of.key, "spreadsheet-damage", damaged, staged.cell)
    if (
        column is not None
        and not column.lookup
        and not model_field.is_relation
        and not choices_of(of.cell_field, column)
    ):
        yield from _limits(connection, staged)


def python_validators(upload_type: UploadType) -> dict[str, list[Any]]:
    """Field → its validators that only Python can run, each a callable of one value. Run them on distinct values."""
    wanted = {}
    for name, column in upload_type.columns.items():
        field = upload_type.model._meta.get_field(name)
        if field.is_relation or choices_of(field, column) or field.get_internal_type() in _BY_TYPE:  # type: ignore[arg-type]
            continue
        own = [one for one in field.validators if not isinstance(one, _IN_SQL)]  # type: ignore[union-attr]
        if own:
            wanted[name] = own
    return wanted


def _is_missing(staged: StagedColumn, *, must: bool) -> sql.Composable:
    """Whether the cell is empty. An empty text, which was quoted, counts only where a text is a `must`."""
    missing = sql.SQL("{} IS NOT TRUE").format(staged.reading.present)
    if staged.reading.otherwise == "":
        return any_of(missing, sql.SQL("{} = ''").format(staged.cell)) if must else missing
    return missing if staged.default else all_of(sql.SQL("{} IS NULL").format(staged.typed), missing)


def _faults(staged: StagedColumn) -> Iterator[Rule]:
    reading = staged.reading
    if not reading.otherwise:
        return
    cases = [sql.SQL("WHEN {} THEN {}").format(holds, sql.Literal(code)) for code, holds in reading.faults.items()]
    fault = (
        sql.SQL("CASE {} ELSE {} END").format(sql.SQL(" ").join(cases), sql.Literal(reading.otherwise))
        if cases
        else sql.Literal(reading.otherwise)
    )
    invalid = sql.SQL("{} IS NULL AND {} IS TRUE").format(staged.typed, reading.present)
    for code in dict.fromkeys([*reading.faults, reading.otherwise]):
        if code:
            violated = sql.SQL("({} AND {} = {})").format(invalid, fault, sql.Literal(code))
            yield Rule(staged.of.key, code, violated, staged.cell, guard=sql.SQL("{} IS NULL").format(staged.typed))


def _limits(connection: BaseDatabaseWrapper, staged: StagedColumn) -> Iterator[Rule]:
    field, typed = staged.of.cell_field, staged.typed
    key, cell = staged.of.key, staged.cell
    low, high = _range_of(connection, field)
    bounds: list[sql.Composable] = []
    if low is not None:
        bounds.append(sql.SQL("{} < {}").format(typed, sql.Literal(low)))
    if high is not None:
        bounds.append(sql.SQL("{} > {}").format(typed, sql.Literal(high)))
    if (kind := field.get_internal_type()) in _HELD_BY_PYTHON:
        bounds.append(sql.SQL("{} NOT BETWEEN {}").format(typed, sql.SQL(_HELD_BY_PYTHON[kind])))
    shortest = [limit_of(one) for one in field.validators if isinstance(one, validators.MinLengthValidator)]
    # As in Django, validators do not see the empty text of a field that may be blank.
    too_short = sql.SQL("char_length({0}) < {1} AND {0} <> ''" if field.blank else "char_length({0}) < {1}")
    bounds += [too_short.format(typed, sql.Literal(one)) for one in shortest]
    if bounds:
        yield Rule(key, "out-of-range", sql.SQL("{} IS TRUE").format(any_of(*bounds)), cell)
    longest = [limit_of(one) for one in field.validators if isinstance(one, validators.MaxLengthValidator)]
    longest += (
        [field.max_length]
        if staged.of.is_text and field.max_length and field.get_internal_type() != "TextField"
        else []
    )
    if longest:
        too_long = sql.SQL("(octet_length({0}) > {1} AND char_length({0}) > {1}) IS TRUE")
        yield Rule(key, "too-long", too_long.format(typed, sql.Literal(min(longest))), cell)


def _range_of(connection: BaseDatabaseWrapper, field: Any) -> tuple[Any, Any]:
    """The smallest and the largest valid value; None where there is no limit beyond that of the type."""
    low = [limit_of(one) for one in field.validators if isinstance(one, validators.MinValueValidator)]
    high = [limit_of(one) for one in field.validators if isinstance(one, validators.MaxValueValidator)]
    kind = field.get_internal_type()
    if "Integer" in kind or "AutoField" in kind:
        floor, ceiling = connection.ops.integer_field_range(kind)
        low = [one for one in low if floor is None or one > floor or floor == 0]
        high = [one for one in high if ceiling is None or one < ceiling]
        low += [0] if floor == 0 else []
    return max(low, default=None), min(high, default=None)
