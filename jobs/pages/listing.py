"""My jobs of one kind, newest first, one page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser

from jobs.api.resources.resource import JobResource
from jobs.estimates.estimate import estimate_listed
from jobs.models import Job
from jobs.pages.wording import Shown, show

#: Jobs on a page.
PAGE_SIZE = 20


@dataclass(frozen=True)
class Page:
    """Some jobs. This page starts after the id `before`, the next one after `next_before`; None if there is none."""

    jobs: list[Shown]
    before: UUID | None
    next_before: UUID | None

    @property
    def is_active(self) -> bool:
        """Whether a job on this page may still change by itself."""
        return any(job.is_active for job in self.jobs)


def list_jobs(user: AbstractBaseUser, resource: JobResource, *, before: UUID | None) -> Page:
    """The newest jobs of `user`, or the newest that are older than the one whose id is `before`.

    Two or three queries. A page is found by id, which grows with time, so the last page costs no more than the first.
    """
    mine = Job.objects.owned_by(user).filter(kind=resource.kind).with_result().order_by("-id")
    older = mine.filter(pk__lt=before) if before else mine
    jobs = list(older[: PAGE_SIZE + 1])
    listed = jobs[:PAGE_SIZE]
    shown = [show(job, known, user, resource) for job, known in zip(listed, estimate_listed(listed), strict=True)]
    return Page(shown, before, jobs[PAGE_SIZE - 1].pk if len(jobs) > PAGE_SIZE else None)
