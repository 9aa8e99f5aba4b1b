"""Kinds of jobs: what an app registers so that its jobs can run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from django.conf import settings
from django.urls import reverse

from jobs.errors import UnknownKindError
from jobs.inspection import Inspector
from jobs.retry import RetryPolicy

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

    from jobs.context import JobContext
    from jobs.models import Job

#: Everything, including what is added later. Only `manage.py create_token` grants it.
ALL_SCOPES: Final = "*"


class Handler(Protocol):
    """Does the work of one attempt.

    Returns the job's `result` (JSON). Raises `RetryableError` or `PermanentError` to say what may be
    done about a failure; of any other exception `jobs.classification` says it. It may run more than once for one
    job, so what it does outside of the artifacts must be safe to repeat.
    """

    def __call__(self, context: JobContext) -> dict[str, Any] | None: ...


@dataclass(frozen=True)
class Scopes:
    """What a token needs to see jobs of a kind (`read`) and to order or change them (`write`).

    `read_allows` and `write_allows` say it in words to the person who makes a token.
    """

    read: str = ALL_SCOPES
    write: str = ALL_SCOPES
    read_allows: _StrOrPromise = ""
    write_allows: _StrOrPromise = ""


@dataclass(frozen=True)
class QueueDials:
    """The dials that `migrate` gives to a new queue. From then on they are the operator's."""

    max_running: int = 4
    max_running_per_type: int | None = None
    statement_timeout_seconds: int = 3600


@dataclass(frozen=True)
class Kind:
    """One sort of job.

    `queue` is where its jobs wait unless the submission names another, and `queue_dials` are what a new database
    gives to that queue; None leaves them to the other kinds of the queue. `handler` runs an attempt. An attempt that
    makes no progress for `stall_timeout_seconds` is ended and counts as lost; None sets no limit. `inspector` tells
    the staff's pages what a payload means. `scopes` are what tokens need; by default a token needs all scopes.
    `result_url` is the name of the URL pattern of a job's result, which takes the job's id; empty without a result.
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

    def url_of_result(self, job: Job) -> str | None:
        """The path of the result of a job of this kind, which may not be there yet; None where there never is one."""
        return reverse(self.result_url, args=[job.pk]) if self.result_url else None


_kinds: dict[str, Kind] = {}


def register_kind(kind: Kind) -> None:
    """Make `kind` known; called from an app's `AppConfig.ready()`.

    Raises ValueError when another kind has that name, or gives other dials to its queue.
    """
    if kind.queue_dials and queue_dials().get(kind.queue, kind.queue_dials) != kind.queue_dials:
        raise ValueError(f"two kinds of jobs give different dials to the queue {kind.queue!r}")
    if _kinds.setdefault(kind.name, kind) != kind:
        raise ValueError(f"two kinds of jobs are named {kind.name!r}")


def get_kind(name: str) -> Kind:
    """The kind called `name`. Raises UnknownKindError when no installed app registers it."""
    try:
        return _kinds[name]
    except KeyError:
        raise UnknownKindError(f"no installed app registers the kind {name!r}") from None


def find_kind(name: str) -> Kind | None:
    """The kind called `name`; None where no installed app registers it."""
    return _kinds.get(name)


def inspector_of(name: str) -> Inspector:
    """The inspector of a kind; one that knows nothing where no installed app registers it."""
    kind = find_kind(name)
    return kind.inspector if kind else Inspector()


def kind_names() -> list[str]:
    """The kinds that are registered, in order."""
    return sorted(_kinds)


def queues_of_jobs() -> list[str]:
    """The queues of the settings in which jobs wait: all but that of the ticks of Beat."""
    return [name for name in settings.QUEUE_NAMES if name != settings.CELERY_TASK_DEFAULT_QUEUE]


def queue_dials() -> dict[str, QueueDials]:
    """The dials that kinds give to their queues, by the queue's name."""
    return {kind.queue: kind.queue_dials for kind in _kinds.values() if kind.queue_dials}


def scopes_of_kinds() -> dict[str, _StrOrPromise]:
    """All scopes that kinds name, with what each allows in words."""
    named: dict[str, _StrOrPromise] = {}
    for kind in _kinds.values():
        named |= {kind.scopes.read: kind.scopes.read_allows, kind.scopes.write: kind.scopes.write_allows}
    named.pop(ALL_SCOPES, None)
    return named
