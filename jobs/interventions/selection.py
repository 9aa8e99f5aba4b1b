"""Select jobs by criteria, as they are written in the admin's URLs, the bulk runs and the dashboard's links.

Each criterion is one lookup that an index answers, whether it matches one job of a million or nearly all. The index
`jobs_job_sorted_by` begins with the queue and the kind. A criterion that does not restrict these names all that exist,
so that PostgreSQL scans the index a few times instead of reading the table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Q
from django.utils import timezone

from jobs.kinds import kind_names
from jobs.models import Job, Queue
from jobs.models.ids import first_id_at
from jobs.models.querysets import JobQuerySet
from jobs.models.queue_conditions import RUNNING
from jobs.payloads.search import term_searched
from jobs.postgres.loose_index_scan import loose_index_scan
from jobs.postgres.statements import fetch_all
from jobs.states import State

#: Values of the criterion `age`, in days; `older` stands for all older jobs.
AGES: Final = {"hour": 1 / 24, "day": 1, "week": 7}
#: Problems that a job's state does not show; names of methods of JobQuerySet.
TROUBLES: Final = ("orphaned", "overdue")

_FINGERPRINT = re.compile(r"[0-9a-f]{16}")


class UnknownCriterionError(ValueError):
    """There is no such criterion, or the value is not valid for it."""


def select_jobs(criteria: Mapping[str, str]) -> JobQuerySet:
    """The jobs that match all criteria. Raises UnknownCriterionError."""
    found = Job.objects.all()
    for name, value in criteria.items():
        found = found.filter(criterion(name, value))
    return found


def criterion(name: str, value: str) -> Q:
    """The lookup of one criterion. Raises UnknownCriterionError."""
    try:
        return _CRITERIA[name](value)
    except KeyError:
        raise UnknownCriterionError(f"the filter {name}={value} is not valid") from None


def in_words(criteria: Mapping[str, str]) -> str:
    """The criteria for people: `state dead, queue reports`."""
    return ", ".join(f"{'search' if name == 'q' else name} {value}" for name, value in criteria.items()) or "all jobs"


def search(text: str) -> Q:
    """Search jobs by an id, a fingerprint, the name of an owner, a value of the payload, or `key=value`."""
    text = text.strip()
    try:
        return Q(pk=UUID(text))
    except ValueError:
        pass
    if text.startswith("="):
        return Q(pk__in=[])  # only `same_work_term` begins so; people do not search for it
    if _FINGERPRINT.fullmatch(text):
        return criterion("fingerprint", text)
    user = get_user_model()
    if owner := user.objects.filter(**{user.USERNAME_FIELD: text}).first():
        return Q(owner=owner.pk)
    return Q(search_terms__terms__contains=[term_searched(text)])


ERROR_CLASSES: Final = f"""
    WITH RECURSIVE {loose_index_scan("found", key=["error_class"], source="jobs_job", where="error_class <> ''")}
    SELECT error_class FROM found
"""  # noqa: S608


def error_classes() -> list[str]:
    """The error classes of the present jobs, sorted."""
    return [row["error_class"] for row in fetch_all(ERROR_CLASSES)]


def _age(value: str) -> Q:
    if value == "older":
        return Q(pk__lt=first_id_at(timezone.now() - timedelta(days=AGES["week"])))
    return Q(pk__gte=first_id_at(timezone.now() - timedelta(days=AGES[value])))


def _trouble(value: str) -> Q:
    if value not in TROUBLES:
        raise KeyError(value)
    return Q(pk__in=getattr(Job.objects, value)().order_by().values("pk"))


def _queues() -> list[str]:
    return list(Queue.objects.values_list("name", flat=True))


_CRITERIA: Final[dict[str, Callable[[str], Q]]] = {
    "state": lambda value: RUNNING if value == State.RUNNING else Q(state=State(value) if value in State else value),
    "kind": lambda value: Q(queue__in=_queues(), kind=value),
    "type": lambda value: Q(queue__in=_queues(), kind__in=kind_names(), type=value),
    "queue": lambda value: Q(queue=value),
    "owner": lambda value: Q(**{f"owner__{get_user_model().USERNAME_FIELD}": value}),
    "error": lambda value: Q(error_class=value) & ~Q(error_class=""),
    "fingerprint": lambda value: Q(state__in=(State.DEAD, State.FAILED), error_fingerprint=value),
    "age": _age,
    "trouble": _trouble,
    "q": search,
}
CRITERIA: Final = frozenset(_CRITERIA)
