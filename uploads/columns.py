"""Declarations of an upload type: the columns of the file, and how each becomes a field of the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.db.models import QuerySet
    from django.utils.functional import _StrOrPromise


@dataclass(frozen=True)
class Lookup:
    """How a cell names a row of the model to which the column's ForeignKey points.

        Lookup("sku")                                             # the product with this SKU
        Lookup("id", conditions={"customer__code": "Customer"})   # the order with this number, of this customer
        Lookup("code", rows=lambda user: Shelf.objects.filter(site__staff=user))

    A cell that fits no row, or more than one, is an error. To the user, a row outside of `rows` does not exist.
    """

    #: The field of the related model that the cell is compared with. It may span relations: `order__number`. It needs
    #: an index; `pk` is a field, too.
    field: str
    #: Further field of the related model → heading of the column that it must agree with. An empty cell agrees with a
    #: field that is empty. A condition whose column is not in the file is not checked. Another field or lookup may use
    #: the same column.
    conditions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: The rows that a user may refer to; None: all. Filter by fields only; annotations are ignored.
    rows: Callable[[AbstractBaseUser], QuerySet[Any]] | None = None


@dataclass(frozen=True)
class Column:
    """A column of the file, and what its cells become.

        Column("Price", aliases=["Unit price", "単価"], required=True, decimal=",")
        Column("Shipped", formats=["%Y-%m-%d", "%d.%m.%Y"])
        Column("Active", choices={"yes": True, "no": False}, empty="default")
        Column("Quantity", check="quantity > 0", message=_("The quantity must be positive."))

    An unquoted empty cell, a quoted one (`""`) and a column that is not in the file are three things: the first means
    what `empty` says, the second is an empty text, and the third leaves the field as it is, or gives it its default.
    """

    #: The name in templates and messages. Headings and aliases are compared without regard to case, width, and blanks
    #: at the beginning and the end.
    heading: str
    aliases: Sequence[str] = ()
    #: Whether the column must be in the file, and none of its cells may be empty.
    required: bool = False
    #: What an unquoted empty cell means: NULL, an empty text, or the default of the model's field.
    empty: Literal["null", "blank", "default"] = "null"
    #: Word in the file → value of the field; None: the values of the field's own choices, if it has any.
    choices: Mapping[str, Any] | None = None
    #: Formats of dates and times, in the language of `datetime.strptime`. Without any, ISO 8601 and the usual orders of
    #: day, month and year are tried, and all cells of the column together must leave one only.
    formats: Sequence[str] = ()
    #: The decimal separator. None: it is decided by all cells of the column together.
    decimal: Literal[".", ","] | None = None
    #: For a ForeignKey: which row a cell means.
    lookup: Lookup | None = None
    #: An SQL condition over the columns of the model's table that each row must satisfy, as it would be written. As in
    #: a constraint, NULL satisfies it. It is checked if all columns that it names are in the file.
    check: str = ""
    #: The sentence that a user reads about a row that fails `check`.
    message: _StrOrPromise = ""
    #: For people, in the JSON Schema; by default the field's `help_text`.
    description: _StrOrPromise = ""
