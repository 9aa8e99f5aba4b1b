"""The rows of the admin's lists: the same HTML as unfold's, in a third of its time.

For each row, unfold makes all headers anew and renders templates for its checkbox, its colored labels and its actions:
most of the time of a page of fifty. Here, all that rows have in common is made once. Lists with forms, handles,
sections or actions in their rows are left to unfold.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import lookup_field
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import DateField, ForeignKey, ManyToOneRel, Model, TimeField
from django.template import Library
from django.urls import NoReverseMatch
from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext
from unfold.admin import ModelAdmin, checkbox
from unfold.templatetags.unfold_list import (
    CHECKBOX_CLASSES,
    LINK_CLASSES,
    ROW_CLASSES,
    _coerce_field_name,
    result_headers,
)
from unfold.utils import display_for_field, display_for_header, display_for_label, display_for_value

register = Library()

#: Stands for the id of a row in the checkbox, which is rendered once.
ANY_ROW: Final = "id-of-the-row"
BODY: Final = """
<tbody class="block relative lg:table-row-group {}" x-data="{{rowOpen: false}}" >
<tr class="data-row block border border-base-200 mb-3 relative rounded-default lg:table-row lg:border-none lg:mb-0 \
lg:rounded-none dark:border-base-800">{}</tr></tbody>"""
STRIPES: Final = ("", "bg-base-50 dark:bg-white/[.02]")


@register.filter
def is_plain(cl: Any) -> bool:
    """Whether the rows of this list are only looked at and selected."""
    of_rows = [getattr(cl.model_admin, name, None) for name in ("ordering_field", "list_sections")]
    return not (getattr(cl, "formset", None) or cl.is_popup or any(of_rows))


@register.inclusion_tag("admin/list_rows.html", takes_context=True)
def list_rows(context: dict[str, Any], cl: Any) -> dict[str, Any]:
    """The table of a list that is plain."""
    headers = list(result_headers(cl))
    sorted_fields = sum(1 for header in headers if header["sortable"] and header["sorted"])
    return {
        "cl": cl,
        "result_headers": headers,
        "num_sorted_fields": sorted_fields,
        "rows": list(_rows(cl, headers)),
        "has_add_permission": cl.model_admin.has_add_permission(context["request"]),
    }


def _rows(cl: Any, headers: list[dict[str, Any]]) -> Iterator[str]:
    cells = Cells(cl, headers)
    for number, row in enumerate(cl.result_list):
        yield BODY.format(STRIPES[number % 2], "".join(cells.of(row)))


@dataclass(frozen=True)
class Column:
    """One column: what its cells begin and end with."""

    name: Any
    is_link: bool
    tag: str
    classes: str
    rest: str

    def cell(self, text: Any, *, nowrap: bool) -> str:
        """The cell with this text, which is escaped if it is not safe."""
        more = " nowrap" if nowrap else ""
        return f'<{self.tag} class="{self.classes}{more}"{self.rest}>{conditional_escape(text)}</{self.tag}>'


class Cells:
    """The cells of the rows of one page."""

    def __init__(self, cl: Any, headers: list[dict[str, Any]]) -> None:
        self.cl = cl
        self.admin = cl.model_admin
        self.columns = list(self._columns(headers))
        is_unfolds = type(self.admin).action_checkbox is ModelAdmin.action_checkbox
        self.checkbox = checkbox.render(ACTION_CHECKBOX_NAME, ANY_ROW).split(ANY_ROW) if is_unfolds else None
        self.labels: dict[tuple[str, Any], str] = {}
        self.empty = self.admin.get_empty_value_display()

    def of(self, row: Model) -> Iterator[str]:
        """The cells of one row, as HTML."""
        for column in self.columns:
            if column.name == "action_checkbox":
                yield column.cell(self._checkbox(row), nowrap=False)
                continue
            text, nowrap = self._text(column.name, row)
            yield column.cell(self._link(row, text) if column.is_link else text, nowrap=nowrap)

    def _checkbox(self, row: Model) -> Any:
        if self.checkbox is None:
            return self.admin.action_checkbox(row)
        before, after = self.checkbox
        return mark_safe(f"{before}{escape(str(row.pk))}{after}")  # noqa: S308  # the rest is unfold's own

    def _columns(self, headers: list[dict[str, Any]]) -> Iterator[Column]:
        links, first = self.cl.list_display_links, True
        for index, (name, header) in enumerate(zip(self.cl.list_display, headers, strict=True)):
            is_link = links is not None and (name in links or (first and not links))
            tag = "th" if is_link and first else "td"
            first = first and not is_link
            classes = [f"field-{_coerce_field_name(name, index)}", *ROW_CLASSES]
            if name == "action_checkbox":
                is_link, tag, first, classes = False, "td", True, CHECKBOX_CLASSES
            label = header["text"] if index or is_link else gettext("Select record")
            yield Column(name, is_link, tag, " ".join(classes), format_html(' data-label="{}"', label))

    def _text(self, name: Any, row: Model) -> tuple[Any, bool]:
        """What a cell shows, and whether it must stay on one line."""
        try:
            field, attr, value = lookup_field(name, row, self.admin)
        except ObjectDoesNotExist:
            return self.empty, False
        if field is None or field.auto_created:
            return self._text_of_value(name, attr, value), isinstance(value, datetime.date | datetime.time)
        nowrap = isinstance(field, DateField | TimeField | ForeignKey)
        if isinstance(field.remote_field, ManyToOneRel):
            related = getattr(row, field.name)
            return (self.empty if related is None else related), nowrap
        return display_for_field(value, field, self.empty), nowrap

    def _text_of_value(self, name: Any, attr: Any, value: Any) -> Any:
        empty = getattr(attr, "empty_value_display", self.empty)
        if label := getattr(attr, "label", False):
            key = (name, value)
            if key not in self.labels:
                self.labels[key] = display_for_label(value, empty, label)
            return self.labels[key]
        if getattr(attr, "header", False):
            return display_for_header(value, empty)
        return display_for_value(value, empty, getattr(attr, "boolean", False))

    def _link(self, row: Model, text: Any) -> Any:
        """The link to the page of a row; only the text if it has no page."""
        try:
            url = self.cl.url_for_result(row)
        except NoReverseMatch:
            return text
        url = add_preserved_filters({"preserved_filters": self.cl.preserved_filters, "opts": self.cl.opts}, url)
        return format_html('<a href="{}" class="{}" >{}</a>', url, " ".join(LINK_CLASSES), text)
