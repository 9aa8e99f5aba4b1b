"""What a user does to several of their jobs at once, and the reason for each job that it is refused for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from jobs.dispatch.admission_words import admission_in_words
from jobs.errors import AdmissionError, TransitionError
from jobs.interventions.cancellation import cancel_jobs
from jobs.interventions.purging import purge_jobs
from jobs.interventions.retrying import NotRetryableError
from jobs.localization import translated
from jobs.models import Job
from jobs.pages.kind_pages import KindPages
from jobs.pages.rows import Row
from jobs.states import ACTIVE


@dataclass
class Outcome:
    """How many jobs were changed, and for each reason the titles of the jobs that were not."""

    changed: int = 0
    refused: dict[str, list[str]] = field(default_factory=dict)

    def refuse(self, row: Row, reason: str) -> None:
        self.refused.setdefault(reason, []).append(row.shown.title)


def act_on(action: str, rows: Sequence[Row], *, pages: KindPages, owner: User) -> Outcome:
    """Carry out one of `ACTIONS` on jobs of `owner`. A job that it does not fit, or no longer fits, stays as it is."""
    return ACTIONS[action](rows, pages, owner)


def _cancel(rows: Sequence[Row], pages: KindPages, owner: User) -> Outcome:
    done = cancel_jobs([row.job.pk for row in rows], actor=owner.get_username(), allowed=ACTIVE)
    active = set(Job.objects.filter(pk__in=done.refused, state__in=ACTIVE).values_list("pk", flat=True))
    outcome = Outcome(len(done.changed))
    for row in rows:
        if row.job.pk in done.refused:
            outcome.refuse(row, _("Already being canceled.") if row.job.pk in active else _("Already ended."))
    return outcome


def _delete(rows: Sequence[Row], pages: KindPages, owner: User) -> Outcome:
    done = purge_jobs([row.job.pk for row in rows], actor=owner.get_username())
    outcome = Outcome(len(done.changed))
    for row in rows:
        if row.job.pk in done.refused:
            outcome.refuse(row, _("Not ended yet. Cancel it first."))
    return outcome


def _retry(rows: Sequence[Row], pages: KindPages, owner: User) -> Outcome:
    outcome = Outcome()
    for row in rows:
        try:
            pages.resource.retry(row.job, owner=owner)
        except TransitionError:
            outcome.refuse(row, _("Not failed."))
        except NotRetryableError as error:
            outcome.refuse(row, translated(str(error)))
        except AdmissionError as error:
            outcome.refuse(row, admission_in_words(error))
        else:
            outcome.changed += 1
    return outcome


ACTIONS: Final[dict[str, Callable[[Sequence[Row], KindPages, User], Outcome]]] = {
    "cancel": _cancel,
    "retry": _retry,
    "delete": _delete,
}
