"""Links from the page of a job to what it belongs to: its schedule, its share links, and what other apps know."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from django.db.models import Count, Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from jobs.admin.showing import link_to
from jobs.models import Job, Schedule, ScheduleRun, ShareLink
from jobs.models.share_link import LIVE


class JobLink(NamedTuple):
    """`label` and `text` are words. The link leads to the row `pk` of `model`, or to a list.

    With `listed_by`, that is the list of the rows of `model` whose field of this name is `pk`.
    """

    label: str
    model: type[Model]
    pk: object
    text: str
    listed_by: str = ""


_finders: Final[list[Callable[[Job], Iterable[JobLink]]]] = []


def register_job_links(find: Callable[[Job], Iterable[JobLink]]) -> None:
    """Show the links that `find` returns on the pages of jobs; called from an app's `admin.py`."""
    if find not in _finders:
        _finders.append(find)


def links_of(request: HttpRequest, job: Job) -> list[tuple[str, Any]]:
    """Label and link of each. A query for each sort; who may not see a row gets only the words."""
    found = [(each.label, _linked(request, each)) for find in _finders for each in find(job)]
    shares = ShareLink.objects.filter(job=job).aggregate(every=Count("pk"), live=Count("pk", filter=LIVE))
    if shares["every"]:
        words = f"{shares['every']}, of which {shares['live']} live"
        if request.user.has_perm("jobs.view_sharelink"):
            words = format_html('<a href="{}?job={}">{}</a>', reverse("admin:jobs_sharelink_changelist"), job.pk, words)
        found.append(("Share links", words))
    return found


def _linked(request: HttpRequest, link: JobLink) -> Any:
    if not link.listed_by:
        return link_to(request, link.model, link.pk, link.text)
    names = link.model._meta
    if not request.user.has_perm(f"{names.app_label}.view_{names.model_name}"):
        return link.text
    url = reverse(f"admin:{names.app_label}_{names.model_name}_changelist")
    return format_html('<a href="{}?{}={}">{}</a>', url, link.listed_by, link.pk, link.text)


def schedule_of(job: Job) -> Iterable[JobLink]:
    """The schedule whose run has ordered the job."""
    for run in ScheduleRun.objects.filter(job=job).select_related("schedule"):
        yield JobLink("Ordered by", Schedule, run.schedule_id, f"schedule {run.schedule.name}")


register_job_links(schedule_of)
