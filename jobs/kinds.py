"""The registry of kinds: an app registers each kind of its jobs so that they can run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from jobs.errors import UnknownKindError
from jobs.inspection import Inspector
from jobs.remedies import REMEDIES, Remedy
from jobs.retry import RetryPolicy

if TYPE_CHECKING:
    from uuid import UUID

    from django.contrib.auth.base_user import AbstractBaseUser
    from django.utils.functional import _StrOrPromise

    from jobs.context import JobContext
    from jobs.models import Job

#: All scopes, including future ones. Only `manage.py create_token` grants it.
ALL_SCOPES: Final = "*"


class Handler(Protocol):
    """Does the work of one attempt.

    Returns the job's `result` (JSON). Raises `RetryableError` or `PermanentError` to control what happens after a
    failure; `jobs.classification` decides about all other exceptions. It may run more than once for one job, so its
    effects outside of artifacts must be safe to repeat.
    """

    def __call__(self, context: JobContext) -> dict[str, Any] | None: ...


class ScheduledOrders(Protocol):
    """Places the orders of a kind's schedules. `jobs.types.scheduling` has it for kinds whose jobs have a type."""

    def place(
        self, *, owner: AbstractBaseUser, order: dict[str, Any], at: datetime, language: str, callback_url: str
    ) -> Job:
        """Place the stored `order` for the time `at`, which is in the zone of the schedule.

        Texts are in `language`. Without a `callback_url`, the default of the owner counts. Raises OrderRefusedError or
        AdmissionError.
        """
        ...

    def encrypted(self, order: dict[str, Any]) -> dict[str, Any] | None:
        """The order with its secrets encrypted with the current key; None if nothing changes.

        Raises SecretUnreadableError.
        """
        ...


@dataclass(frozen=True)
class Scopes:
    """The scopes that a token needs to see jobs of a kind (`read`) and to order or change them (`write`).

    `read_allows` and `write_allows` describe them on the page that creates tokens.
    """

    read: str = ALL_SCOPES
    write: str = ALL_SCOPES
    read_allows: _StrOrPromise = ""
    write_allows: _StrOrPromise = ""


@dataclass(frozen=True)
class QueueDials:
    """The dials that `migrate` gives a new queue. Later only operators change them."""

    max_running: int = 4
    max_running_per_type: int | None = None
    statement_timeout_seconds: int = 3600


@dataclass(frozen=True)
class Kind:
    """A kind of job.

    Its jobs wait in `queue` unless the submission names another. A new database gives this queue `queue_dials`; None
    leaves them to other kinds of the queue. `handler` runs an attempt. An attempt that makes no progress for
    `stall_timeout_seconds` is ended and counts as lost; None sets no limit. `inspector` explains payloads to staff.
    Tokens need `scopes`; by default a token needs all scopes. `result_url` names the URL pattern of a job's result,
    which takes the job's id; empty if there is no result. `remedies` says what an owner can do about a failure, by its
    code. With `scheduled_orders`, users can schedule orders. `forget` deletes what the kind stores about jobs besides
    their files when their owner deletes them: it gets their ids, within the transaction that purges them.
    A worker calls `after_attempt` with the job, as it
    was claimed, when it has committed the end of an attempt; not if it is killed just then, and not if somebody else
    ends the attempt.
    """

    name: str
    queue: str
    handler: Handler
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    stall_timeout_seconds: float | None = None
    inspector: Inspector = field(default_factory=Inspector, compare=False)
    queue_dials: QueueDials | None = None
    scopes: Scopes = field(default_factory=Scopes)
    result_url: str = ""
    remedies: Mapping[str, Remedy] = field(default_factory=lambda: REMEDIES, compare=False)
    scheduled_orders: ScheduledOrders | None = field(default=None, compare=False)
    forget: Callable[[Collection[UUID]], None] | None = field(default=None, compare=False)
    after_attempt: Callable[[Job], None] | None = field(default=None, compare=False)

    def url_of_result(self, job: Job) -> str | None:
        """The path of the job's result, which may not exist yet; None if this kind has no results."""
        return reverse(self.result_url, args=[job.pk]) if self.result_url else None

    def url_of_page(self, job_id: UUID) -> str | None:
        """The path of the page of a job; None if this kind has no pages (`jobs.pages.job_pages`)."""
        try:
            return reverse(f"{self.name}-detail", args=[job_id])
        except NoReverseMatch:
            return None


_kinds: dict[str, Kind] = {}


def register_kind(kind: Kind) -> None:
    """Register `kind`; called from an app's `AppConfig.ready()`.

    Raises ValueError if another kind has the same name, or gives its queue other dials.
    """
    if kind.queue_dials and queue_dials().get(kind.queue, kind.queue_dials) != kind.queue_dials:
        raise ValueError(f"two kinds of jobs give different dials to the queue {kind.queue!r}")
    if _kinds.setdefault(kind.name, kind) != kind:
        raise ValueError(f"two kinds of jobs are named {kind.name!r}")


def get_kind(name: str) -> Kind:
    """The kind called `name`. Raises UnknownKindError if no installed app registers it."""
    try:
        return _kinds[name]
    except KeyError:
        raise UnknownKindError(f"no installed app registers the kind {name!r}") from None


def find_kind(name: str) -> Kind | None:
    """The kind called `name`; None if no installed app registers it."""
    return _kinds.get(name)


def inspector_of(name: str) -> Inspector:
    """The inspector of a kind; one that knows nothing if no installed app registers the kind."""
    kind = find_kind(name)
    return kind.inspector if kind else Inspector()


def kind_names() -> list[str]:
    """The names of all kinds, in order."""
    return sorted(_kinds)


def queues_of_jobs() -> list[str]:
    """The queues of the settings in which jobs wait: all but the one for sweeps."""
    return [name for name in settings.QUEUE_NAMES if name != settings.CELERY_TASK_DEFAULT_QUEUE]


def queue_dials() -> dict[str, QueueDials]:
    """The dials that kinds give their queues, by the name of the queue."""
    return {kind.queue: kind.queue_dials for kind in _kinds.values() if kind.queue_dials}


def scopes_of_kinds() -> dict[str, _StrOrPromise]:
    """All scopes of kinds, each with a description of what it allows."""
    named: dict[str, _StrOrPromise] = {}
    for kind in _kinds.values():
        named |= {kind.scopes.read: kind.scopes.read_allows, kind.scopes.write: kind.scopes.write_allows}
    named.pop(ALL_SCOPES, None)
    return named
