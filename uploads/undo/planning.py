"""Plan what becomes of each row that the upload has changed, in the temporary table `reversal`.

    record, key, action (restored, deleted), target (primary key), version (xmin), reason, detail

A row with a `reason` is kept:

    gone           it was deleted since
    not-found      the user may no longer touch it
    changed-since  somebody has changed it; `detail` names the columns
    key-taken      another row has an old value that must be unique
    referenced     a row of this or another table refers to it
    refused        a constraint of the table, `detail`, does not allow the old values

Only columns that the upload has written count, and for new rows also those that got their defaults.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db.models import Model
from psycopg import sql

from uploads.indexes import unique_groups
from uploads.ingest.compiled import allowed_keys
from uploads.ingest.images import ImageFormat
from uploads.ingest.session import Session
from uploads.types import UploadType
from uploads.undo.loading import INSERTED, UPDATED
from uploads.undo.references import is_referenced

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

REVERSAL: Final = sql.Identifier("pg_temp", "reversal")


@dataclass(frozen=True)
class Reversed:
    """What becomes of the rows: their numbers. `kept` is by reason."""

    restored: int
    deleted: int
    kept: dict[str, int]

    @property
    def total(self) -> int:
        """All rows that the upload had changed."""
        return self.restored + self.deleted + sum(self.kept.values())


@dataclass(frozen=True)
class Undone:
    """The table of an undo, and the images of its rows."""

    session: Session
    upload_type: UploadType
    user: AbstractBaseUser
    images: ImageFormat

    @property
    def model(self) -> type[Model]:
        """The model of the rows."""
        return self.upload_type.model

    @property
    def table(self) -> sql.Identifier:
        """The table's name."""
        return sql.Identifier(self.model._meta.db_table)

    @property
    def pk(self) -> sql.Identifier:
        """The column of the primary key."""
        return sql.Identifier(str(self.model._meta.pk.column))


def plan_reversal(undone: Undone) -> None:
    """Create the table. It can be repeated."""
    undone.session.run(sql.SQL("DROP TABLE IF EXISTS {}").format(REVERSAL))
    undone.session.run(
        sql.SQL("CREATE TEMP TABLE reversal AS {updated} UNION ALL {inserted}").format(
            updated=_planned(undone, UPDATED, "restored", _changed_of_updated(undone), _key_taken(undone), "key-taken"),
            inserted=_planned(
                undone,
                INSERTED,
                "deleted",
                _changed_of_inserted(undone),
                is_referenced(undone.session, undone.model),
                "referenced",
            ),
        )
    )
    undone.session.run(sql.SQL("ANALYZE {} (target, action, reason)").format(REVERSAL))


def count_reversal(session: Session) -> Reversed:
    """What becomes of the rows."""
    found = session.fetch_all(
        sql.SQL("SELECT action, reason, count(*) FROM {} GROUP BY 1, 2 ORDER BY 3 DESC, 2").format(REVERSAL)
    )
    kept: dict[str, int] = {}
    for _, reason, number in found:
        if reason is not None:
            kept[reason] = kept.get(reason, 0) + number
    done = {action: number for action, reason, number in found if reason is None}
    return Reversed(done.get("restored", 0), done.get("deleted", 0), kept)


#: The heading of a column, and whether the table's value is no longer the new one.
Changed = list[tuple[str, sql.Composable]]


def _planned(
    undone: Undone, images: sql.Identifier, action: str, changed: Changed, obstacle: sql.Composable, reason: str
) -> sql.Composable:
    is_changed = sql.SQL(" OR ").join([condition for _, condition in changed] or [sql.SQL("false")])
    names: list[sql.Composable] = [
        sql.SQL("CASE WHEN {} THEN {} END").format(condition, sql.Literal(name)) for name, condition in changed
    ] or [sql.SQL("NULL")]
    allowed = allowed_keys(undone.session.connection, undone.upload_type.rows_of(undone.user))
    join: sql.Composable = sql.SQL("")
    is_foreign: sql.Composable = sql.SQL("false")
    if allowed is not None:
        join = sql.SQL("LEFT JOIN ({}) AS a (pk) ON a.pk = t.{}").format(allowed, undone.pk)
        is_foreign = sql.SQL("a.pk IS NULL")
    return sql.SQL(
        "SELECT i.record, i.key, {action}::text AS action, i.target, t.xmin AS version,"
        " CASE WHEN t.{pk} IS NULL THEN 'gone' WHEN {is_foreign} THEN 'not-found' WHEN {is_changed} THEN"
        " 'changed-since' WHEN {obstacle} THEN {reason} END AS reason,"
        " CASE WHEN t.{pk} IS NOT NULL AND NOT {is_foreign} AND ({is_changed}) THEN concat_ws(', ', {names}) END"
        " AS detail FROM {images} AS i LEFT JOIN {table} AS t ON t.{pk} = i.target {join}"
    ).format(
        action=sql.Literal(action),
        pk=undone.pk,
        is_foreign=is_foreign,
        is_changed=is_changed,
        obstacle=obstacle,
        reason=sql.Literal(reason),
        names=sql.SQL(", ").join(names),
        images=images,
        table=undone.table,
        join=join,
    )


def _changed_of_updated(undone: Undone) -> Changed:
    return _differing(undone.images.updated)


def _changed_of_inserted(undone: Undone) -> Changed:
    constant: Changed = [
        (name, sql.SQL("t.{} IS DISTINCT FROM {}").format(sql.Identifier(column), sql.Literal(text)))
        for column, name, text in undone.images.constant
    ]
    return [*_differing(undone.images.inserted), *constant]


def _differing(columns: Iterable[tuple[str, str]]) -> Changed:
    return [
        (name, sql.SQL("t.{} IS DISTINCT FROM i.{}").format(sql.Identifier(column), sql.Identifier(f"n{number}")))
        for number, (column, name) in enumerate(columns)
    ]


def _key_taken(undone: Undone) -> sql.Composable:
    """Whether another row has the old values of a set of columns that must be unique, one of which has changed."""
    places = {column: number for number, (column, _) in enumerate(undone.images.updated)}
    taken: list[sql.Composable] = []
    for names in dict.fromkeys(unique_groups(undone.model, at_commit=True)):
        columns = [str(undone.model._meta.get_field(name).column) for name in names]  # type: ignore[union-attr]
        restored = [column for column in columns if column in places]
        if not restored:
            continue
        differs = sql.SQL(" OR ").join(
            sql.SQL("i.{} IS DISTINCT FROM i.{}").format(
                sql.Identifier(f"o{places[column]}"), sql.Identifier(f"n{places[column]}")
            )
            for column in restored
        )
        same = sql.SQL(" AND ").join(
            sql.SQL("o.{} = {}").format(
                sql.Identifier(column),
                sql.Identifier("i", f"o{places[column]}") if column in places else sql.Identifier("t", column),
            )
            for column in columns
        )
        taken.append(
            sql.SQL("(({}) AND EXISTS (SELECT FROM {} AS o WHERE {} AND o.{} <> i.target))").format(
                differs, undone.table, same, undone.pk
            )
        )
    return sql.SQL("({})").format(sql.SQL(" OR ").join(taken)) if taken else sql.SQL("false")
