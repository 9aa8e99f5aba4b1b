"""The base class of upload types. To accept uploads into a table, a developer writes one subclass.

    @register
    class Products(UploadType):
        identifier = "products"
        title = _("Products")
        model = Product
        key = ("sku",)
        columns = {
            "sku": Column("SKU", required=True),
            "name": Column("Name", required=True),
            "list_price": Column("Price", decimal=".", check="list_price >= 0", message=_("A price is not negative.")),
        }

`uploads.checks` finds mistakes in a declaration when Django starts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from jobs.payloads.masking import is_sensitive
from jobs.types.base import JobType
from jobs.types.registry import TypeRegistry
from uploads.columns import Column, Lookup

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Model, QuerySet

__all__ = ["UPLOAD_TYPES", "Column", "Counts", "Lookup", "RowError", "UploadType", "register"]


@dataclass(frozen=True)
class Counts:
    """What becomes of the rows of a file. Their sum is the number of its rows."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    blank: int = 0

    @property
    def total(self) -> int:
        """The number of rows, without the heading."""
        return self.inserted + self.updated + self.unchanged + self.failed + self.blank


@dataclass(frozen=True)
class RowError:
    """An error that `UploadType.validate` found: the number of the record, the field, and a sentence for the user."""

    record: int
    field: str
    message: str


class UploadType(JobType):
    """One type of upload. Subclass it in an app's `upload_types.py` and decorate the subclass with `@register`.

    All threads share one instance: keep no state in it.

    Rows are written set by set, not one by one: PostgreSQL casts, compares and writes them. So the model's `save()` and
    signals are not called, and Python-side conversions of its fields do not happen. `auto_now` and `auto_now_add` are
    set, and defaults, validators, choices and constraints of the model hold. A row that is already as the file says is
    neither written nor locked.
    """

    queue: ClassVar[str | None] = "uploads"

    #: The table that the rows go to: a model with one table and a primary key of one field.
    model: ClassVar[type[Model]]
    #: Field of the model → column of the file. A field without a column keeps its value, or gets its default.
    columns: ClassVar[Mapping[str, Column]]
    #: Fields that identify a row: columns, or fields that `fixed` supplies. A unique constraint must cover them. Only
    #: the mode "insert" can do without a key.
    key: ClassVar[Sequence[str]] = ()
    #: What may happen to rows: "insert" only adds, "update" only changes known rows, "upsert" does both.
    mode: ClassVar[Literal["insert", "update", "upsert"]] = "upsert"
    #: Fields or headings (and parameters) whose values appear in no message, log or staff page.
    sensitive: ClassVar[Collection[str]] = ()
    #: The largest file, unpacked, and its most rows. Larger ones are refused whole.
    max_bytes: ClassVar[int] = 5 * 1024**3
    max_rows: ClassVar[int] = 10_000_000
    #: How many errors are kept in detail. All are counted.
    max_errors: ClassVar[int] = 1_000_000
    #: Refuse a plan that updates more than this share of the table's rows; None: no limit.
    max_updated_percent: ClassVar[float | None] = None

    def may_upload(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """Whether `user` may upload this type and see that it exists. By default it takes the model's permissions.

        These are "add" and "change", as the mode needs them.
        """
        app, name = self.model._meta.app_label, self.model._meta.model_name
        acts = {"insert": ("add",), "update": ("change",), "upsert": ("add", "change")}[self.mode]
        return user.has_perms([f"{app}.{act}_{name}" for act in acts])  # type: ignore[union-attr]

    def may_order(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """`may_upload`, under the name that all kinds share."""
        return self.may_upload(user)

    def rows_of(self, user: AbstractBaseUser) -> QuerySet[Any]:
        """The rows that `user` may touch, where tenants share the table. By default those of the default manager.

        To the user, a row outside does not exist. Any QuerySet of the model will do.
        """
        return self.model._default_manager.all()

    def fixed(self, user: AbstractBaseUser) -> Mapping[str, Any]:
        """Values of fields that the file does not carry, such as the tenant: field → value as the model takes it.

        A foreign key may be given as a row, or by its attribute (`tenant_id`). The values are part of each new row, and
        of the key if it names them. Known rows do not change in these fields.
        """
        return {}

    def validate(self, rows: Sequence[Mapping[str, Any]]) -> Iterable[RowError]:
        """Check a batch of rows in Python, for what SQL cannot say.

        Each row has `record`, its number, and the values by field: Python's types, and the primary key for a lookup.
        Only rows without other errors get here. It must not write. Overriding it costs a clean file much of its speed.
        """
        return ()

    def after_merge(self, connection: BaseDatabaseWrapper, counts: Counts) -> None:
        """Called after the rows were written, in the same transaction.

        If it raises, nothing was written, and the upload fails or is tried again. It may run more than once for one
        upload, but only once with success; effects outside of `connection` must bear that.
        """

    def after_undo(self, connection: BaseDatabaseWrapper, *, restored: int, deleted: int) -> None:
        """The same after an undo of an upload: so many updated rows were restored, and so many new ones deleted."""

    def hides(self, key: str) -> bool:
        """Whether the values of a column are secret: by `sensitive`, or because one of its names sounds like it.

        `key` is one of `known_headings()`, or a field without a column. A condition of a lookup is as secret as the
        lookup, and as whatever else uses its column.
        """
        known, field = self.known_headings(), key.partition(".")[0]
        headings = {*known.get(field, ()), *known.get(key, ())}
        sharing = {other for other, names in known.items() if headings.intersection(names)}
        return any(is_sensitive(name, self.sensitive) for name in {field, key, *headings, *sharing})

    @classmethod
    def known_headings(cls) -> dict[str, tuple[str, ...]]:
        """The headings that the file may have: the field, or `field.condition` for a lookup's condition → names."""
        return dict(cls._known_headings())

    @classmethod
    def required_columns(cls) -> frozenset[str]:
        """The keys of `known_headings` that must be in the file."""
        return frozenset(name for name, column in cls.columns.items() if column.required)

    @classmethod
    def _known_headings(cls) -> Iterator[tuple[str, tuple[str, ...]]]:
        for name, column in cls.columns.items():
            yield name, (column.heading, *column.aliases)
            for condition, heading in (column.lookup.conditions if column.lookup else {}).items():
                yield f"{name}.{condition}", (heading,)


UPLOAD_TYPES: Final = TypeRegistry("upload", UploadType)
register = UPLOAD_TYPES.register
