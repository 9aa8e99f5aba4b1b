"""My jobs of one kind, newest first, one page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User

from jobs.models import Job
from jobs.pages.kind_pages import KindPages
from jobs.pages.list_filter import ListFilter
from jobs.pages.rows import Row, rows_of, tab_title

#: Jobs on a page.
PAGE_SIZE = 20


@dataclass(frozen=True)
class Page:
    """Some jobs. This page starts after the id `before`, the next one after `next_before`; None if there is none."""

    rows: list[Row]
    before: UUID | None
    next_before: UUID | None

    @property
    def is_active(self) -> bool:
        """Whether a job on this page may still change by itself."""
        return any(row.shown.is_active for row in self.rows)

    @property
    def tab(self) -> str:
        """For the title of the tab."""
        return tab_title(self.rows)


def list_jobs(user: User, pages: KindPages, *, chosen: ListFilter, before: UUID | None) -> Page:
    """The newest jobs of `user`, or the newest that are older than the one whose id is `before`.

    Two queries, and those of `rows_of`. A page is found by id, which grows with time, so the last page costs no more
    than the first.
    """
    kind = pages.resource.kind
    mine = chosen.apply(Job.objects.owned_by(user).filter(kind=kind)).with_result().order_by("-id")
    older = mine.filter(pk__lt=before) if before else mine
    jobs = list(older[: PAGE_SIZE + 1])
    listed = jobs[:PAGE_SIZE]
    rows = rows_of(listed, user, {kind: pages})
    return Page(rows, before, listed[-1].pk if len(jobs) > PAGE_SIZE else None)
