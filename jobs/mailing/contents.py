"""What each mail says, in the language, the time zone and the number format that are active (`jobs.localization`)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.kinds import Kind, get_kind
from jobs.localization import translated
from jobs.mailing.links import absolute_url
from jobs.mailing.queueing import SCHEDULE
from jobs.mailing.topics import Topic
from jobs.models import Job, ScheduleRun
from jobs.numbers import format_number, format_size
from jobs.remedies import remedy_of
from jobs.status import is_available

#: A longer title is cut in subjects. Characters.
LONGEST_TITLE: Final = 150


@dataclass(frozen=True)
class Content:
    """The text of a mail. `facts` are labels and values; `button` is the label of the link to `url`."""

    subject: str
    paragraphs: list[str]
    url: str
    button: str
    facts: list[tuple[str, str]] = field(default_factory=list)


def content_about(topic: Topic, job: Job, run: ScheduleRun | None = None) -> Content:
    """The mail about one job, which comes from `JobQuerySet.with_result` and has an owner; `run` has ordered it."""
    kind = get_kind(job.kind)
    title = in_one_line(kind.inspector.title(job))
    path = kind.url_of_page(job.pk) or ""
    content = _ABOUT[topic](job, kind, title, absolute_url(path))
    if run is not None:
        content.facts.insert(0, (_("Schedule"), in_one_line(run.schedule.name)))
    return content


def content_of_schedule(payload: Mapping[str, Any]) -> Content:
    """The mail that a schedule was paused."""
    name = in_one_line(payload["name"])
    return Content(
        subject=_("The schedule %(name)s was paused") % {"name": name},
        paragraphs=[
            _("Your schedule “%(name)s” was paused, because its orders kept failing.") % {"name": name},
            str(payload["reason"]),
            _("Nothing is ordered until you resume it."),
        ],
        url=absolute_url(str(payload["url"])),
        button=_("Open the schedule"),
    )


def content_of_refused_run(run: ScheduleRun) -> Content:
    """The mail that a run of a schedule was refused, so that there is no job."""
    name = in_one_line(run.schedule.name)
    return Content(
        subject=_("A run of the schedule %(name)s was refused") % {"name": name},
        paragraphs=[
            _("The run of your schedule “%(name)s” that was planned for %(time)s was refused. Nothing was ordered.")
            % {"name": name, "time": moment(run.scheduled_for)},
            run.reason,
        ],
        url=absolute_url(reverse("schedule-detail", args=[run.schedule_id])),
        button=_("Open the schedule"),
    )


def content_of_digest(topic: Topic, counts: Mapping[str, int]) -> Content:
    """The mail that stands for those that would have been too many."""
    total = sum(counts.values())
    subjects = {
        Topic.COMPLETE: ngettext("%(count)s more job is complete", "%(count)s more jobs are complete", total),
        Topic.FAILED: ngettext("%(count)s more job has failed", "%(count)s more jobs have failed", total),
        Topic.EXPIRING: ngettext("%(count)s more file expires soon", "%(count)s more files expire soon", total),
        Topic.RUN_COMPLETE: ngettext(
            "%(count)s more run of a schedule is complete", "%(count)s more runs of schedules are complete", total
        ),
        Topic.RUN_FAILED: ngettext(
            "%(count)s more run of a schedule has failed", "%(count)s more runs of schedules have failed", total
        ),
        Topic.SCHEDULE_PAUSED: ngettext(
            "%(count)s more schedule was paused", "%(count)s more schedules were paused", total
        ),
    }
    return Content(
        subject=subjects[topic] % {"count": format_number(total)},
        paragraphs=[
            _("You have already had several mails of this kind within an hour. This one stands for all that followed."),
            *(_counted(of) % {"count": format_number(count)} for of, count in sorted(counts.items())),
        ],
        url=absolute_url("/"),
        button=_("Open Longhaul"),
    )


def in_one_line(text: object) -> str:
    """A text for a subject: without line breaks and other control characters, which would begin another header."""
    visible = "".join(" " if unicodedata.category(letter) in ("Cc", "Zl", "Zp") else letter for letter in str(text))
    line = " ".join(visible.split())
    return line if len(line) <= LONGEST_TITLE else f"{line[: LONGEST_TITLE - 1]}…"


def moment(at: datetime) -> str:
    """A time with its time zone: `2026-11-30 09:00 (Asia/Tokyo)`."""
    return f"{date_format(timezone.localtime(at), 'Y-m-d H:i')} ({timezone.get_current_timezone_name()})"


def noun(kind: str) -> str:
    """The kind in a sentence."""
    return {"report": _("report"), "upload": _("upload"), "call": _("call")}.get(kind, kind)


def _complete(job: Job, kind: Kind, title: str, url: str) -> Content:
    artifact = job.result_artifact
    facts = [(_("Ordered"), moment(job.created_at))]
    if artifact is not None:
        if artifact.rows is not None:
            facts.append((_("Rows"), format_number(artifact.rows)))
        facts.append((_("Size"), format_size(artifact.size_bytes)))
        if is_available(artifact) and artifact.expires_at is not None:
            facts.append((_("Available until"), moment(artifact.expires_at)))
    return Content(
        subject=_("%(title)s is complete") % {"title": title},
        paragraphs=[_("Your %(noun)s “%(title)s” is complete.") % {"noun": noun(job.kind), "title": title}],
        url=url,
        button=_("Open the %(noun)s") % {"noun": noun(job.kind)},
        facts=facts,
    )


def _failed(job: Job, kind: Kind, title: str, url: str) -> Content:
    error = (job.result or {}).get("error", {})
    failure = {"error": {"code": error.get("code", "")}, "retryable": bool(error.get("retryable", True))}
    remedy = remedy_of(job, failure, may_order=kind.inspector.may_order_again(job), remedies=kind.remedies)
    return Content(
        subject=_("%(title)s has failed") % {"title": title},
        paragraphs=[
            _("Your %(noun)s “%(title)s” has failed.") % {"noun": noun(job.kind), "title": title},
            translated(str(error.get("detail", ""))),
            remedy.advice,
        ],
        url=url,
        button=_("Open the %(noun)s") % {"noun": noun(job.kind)},
        facts=[(_("Ordered"), moment(job.created_at))],
    )


def _expiring(job: Job, kind: Kind, title: str, url: str) -> Content:
    artifact = job.result_artifact
    at = moment(artifact.expires_at) if artifact is not None and artifact.expires_at is not None else ""
    return Content(
        subject=_("The file of %(title)s expires soon") % {"title": title},
        paragraphs=[
            _("The file of your %(noun)s “%(title)s” will be deleted at %(time)s.")
            % {"noun": noun(job.kind), "title": title, "time": at},
            _("You have not downloaded it yet."),
        ],
        url=url,
        button=_("Open the %(noun)s") % {"noun": noun(job.kind)},
    )


_ABOUT: Final = {
    Topic.COMPLETE: _complete,
    Topic.FAILED: _failed,
    Topic.EXPIRING: _expiring,
    Topic.RUN_COMPLETE: _complete,
    Topic.RUN_FAILED: _failed,
}


def _counted(of: str) -> str:
    """A line of a digest."""
    lines = {
        "report": _("Reports: %(count)s"),
        "upload": _("Uploads: %(count)s"),
        "call": _("Calls: %(count)s"),
        SCHEDULE: _("Schedules: %(count)s"),
    }
    return lines.get(of, f"{of}: %(count)s")
