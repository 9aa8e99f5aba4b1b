"""The pages of a kind whose jobs have a type. A kind subclasses `JobPages`, and includes its `paths()`."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from jobs.pages.detail_pages import DetailPages
from jobs.pages.kinds_with_pages import register_pages
from jobs.pages.list_pages import ListPages
from jobs.pages.live import live_part
from jobs.pages.posting import View, post_only_from
from jobs.pages.saved_pages import SavedOrderPages
from jobs.pages.schedules.schedulable import register_schedulable
from jobs.pages.selection_pages import SelectionPages
from jobs.pages.sharing import share_paths


class JobPages(ListPages, SelectionPages, DetailPages, SavedOrderPages):
    """List, detail and order form of one kind, with the parts that refresh themselves."""

    def paths(self) -> list[URLPattern]:
        """All pages are below the kind's name. From now on, the start page and the search show the kind's jobs."""
        register_pages(self)
        if self.can_repeat:
            register_schedulable(self)
        kind, at, names = self.resource.kind, f"{self.resource.kind}s", self.names
        of_job = post_only_from(names["detail"], "job_id")
        return [
            path(at, _page(self.list), name=names["list"]),
            path(f"{at}/live", live_part(self.list_live), name=names["list_live"]),
            path(f"{at}/selected", _form(self.selected), name=names["selected"]),
            path(f"{at}/new", _form(self.order), name=names["order"]),
            path(f"{at}/lookup", _page(self.lookup), name=names["lookup"]),
            *(self._saved_paths() if self.can_order_again else ()),
            path(f"{at}/<str:job_id>", _page(self.detail), name=names["detail"]),
            path(f"{at}/<str:job_id>/live", live_part(self.detail_live), name=names["detail_live"]),
            path(f"{at}/<str:job_id>/cancel", of_job(self.cancel), name=f"{kind}-page-cancel"),
            path(f"{at}/<str:job_id>/delete", of_job(self.delete), name=f"{kind}-page-delete"),
            path(f"{at}/<str:job_id>/retry", of_job(self.retry), name=f"{kind}-page-retry"),
            *share_paths(self),
        ]

    def _saved_paths(self) -> list[URLPattern]:
        kind, at = self.resource.kind, f"{self.resource.kind}s/saved/<int:saved_id>"
        of_saved = post_only_from(f"{kind}-page-saved", "saved_id")
        return [
            path(at, _page(self.saved_open), name=f"{kind}-page-saved"),
            path(f"{at}/order", of_saved(self.saved_order), name=f"{kind}-page-saved-order"),
            path(f"{at}/rename", of_saved(self.saved_rename), name=f"{kind}-page-saved-rename"),
            path(f"{at}/delete", of_saved(self.saved_delete), name=f"{kind}-page-saved-delete"),
        ]


def _page(view: View) -> View:
    return require_safe(login_required(never_cache(view)))


def _form(view: View) -> View:
    return require_http_methods(["GET", "HEAD", "POST"])(login_required(never_cache(view)))
