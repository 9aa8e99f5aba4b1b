"""Pages of one row that show facts and tables instead of a form, with the buttons of the actions that fit it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, ClassVar, Final, NamedTuple
from uuid import UUID

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from jobs.admin.owners import rows_of_owner
from jobs.admin.read_only import ReadOnlyAdmin
from jobs.admin.showing import shown
from jobs.models import AuditEntry

#: Color of a label in the list → class of the same word on the page.
LOOKS: Final = {"success": "level-0", "warning": "level-1", "danger": "level-2", "info": "running", "": "queued"}
#: Audit entries that the page shows, the newest ones.
MOST_ENTRIES: Final = 50


class Table(NamedTuple):
    """A table on the page. `empty` is the sentence that stands in place of one without rows."""

    title: str
    headings: Sequence[str]
    rows: list[tuple[object, ...]]
    empty: str


class FactsAdmin(ReadOnlyAdmin):
    """A list with a search by id and by owner, and a page per row. A subclass says what the page shows."""

    #: From a row to its owner.
    owner_path = "owner"
    #: Fields that hold the ids by which the search finds rows.
    id_fields: tuple[str, ...] = ("pk",)
    #: Further fields that the search compares with the text.
    text_fields: tuple[str, ...] = ()
    #: `target_type` of the rows in the audit trail.
    target_type = ""
    #: Word of the state → color of its label, one of LOOKS.
    colors: ClassVar[dict[str, str]] = {}
    search_fields = ("pk",)  # shows the search box; `get_search_results` does the search
    list_filter_submit = True
    sortable_by = ()

    def heading(self, row: Any) -> str:
        """The title of the page."""
        return str(row)

    def state_of(self, row: Any) -> str:
        """The word of the row's state."""
        raise NotImplementedError

    def explanation(self, row: Any) -> str:
        """A sentence on why the row is in its state; empty if that needs none."""
        return ""

    def facts(self, request: HttpRequest, row: Any) -> Iterable[tuple[str, object]]:
        """Name and value of each fact."""
        raise NotImplementedError

    def tables(self, request: HttpRequest, row: Any) -> Iterable[Table]:
        """The tables of the page."""
        return ()

    def texts(self, row: Any) -> Iterable[tuple[str, str]]:
        """Title and content of each long text, without secrets."""
        return ()

    def possible_actions(self, row: Any) -> Collection[str]:
        """The names of the actions that would change the row now."""
        return ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Rows with this id, those of this owner, and those with this text, each by equality."""
        text = search_term.strip()
        if not text:
            return queryset, False
        try:
            pk = UUID(text)
        except ValueError:
            found = rows_of_owner(queryset, self.owner_path, text)
            for name in self.text_fields:
                found |= queryset.filter(**{name: text})
            return found, False
        ids = Q()
        for name in self.id_fields:
            ids |= Q(**{name: pk})
        return queryset.filter(ids), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of one row."""
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        state, possible = self.state_of(row), self.possible_actions(row)
        trail = AuditEntry.objects.filter(target_type=self.target_type, target_id=str(row.pk))
        context = {
            **self.admin_site.each_context(request),
            "title": self.heading(row),
            "opts": self.opts,
            "original": row,
            "state": state,
            "look": LOOKS[self.colors.get(state, "")],
            "explanation": self.explanation(row),
            "facts": [(name, shown(value)) for name, value in self.facts(request, row)],
            "buttons": [
                (name, description)
                for name, (_, _, description) in self.get_actions(request).items()
                if name in possible
            ],
            "list": f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist",
            "tables": [
                table._replace(rows=[tuple(map(shown, cells)) for cells in table.rows])
                for table in self.tables(request, row)
            ],
            "texts": list(self.texts(row)),
            "trail": list(trail[:MOST_ENTRIES]),
        }
        return TemplateResponse(request, "admin/jobs/facts.html", context)
