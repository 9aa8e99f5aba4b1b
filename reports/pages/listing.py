"""My reports, newest first, one page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser

from jobs.estimates.estimate import estimate_listed
from jobs.models import Job
from reports.pages.wording import Shown, show

#: Reports on a page.
PAGE_SIZE = 20


@dataclass(frozen=True)
class Page:
    """Some reports. `before` is where this page starts and `next_before` where the next one does, if there are."""

    reports: list[Shown]
    before: UUID | None
    next_before: UUID | None

    @property
    def is_active(self) -> bool:
        """Whether something here may still change by itself."""
        return any(report.is_active for report in self.reports)


def list_reports(user: AbstractBaseUser, *, before: UUID | None) -> Page:
    """The newest reports of `user`, or the newest that are older than the one whose id is `before`.

    Two queries, or three. A page is found by id, which grows with time, so that the last one costs what the first does.
    """
    mine = Job.objects.owned_by(user).filter(kind="report").with_result().order_by("-id")
    older = mine.filter(pk__lt=before) if before else mine
    jobs = list(older[: PAGE_SIZE + 1])
    listed = jobs[:PAGE_SIZE]
    shown = [show(job, known, user) for job, known in zip(listed, estimate_listed(listed), strict=True)]
    return Page(shown, before, jobs[PAGE_SIZE - 1].pk if len(jobs) > PAGE_SIZE else None)
