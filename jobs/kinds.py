"""Kinds of jobs: what an app registers so that its jobs can run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from jobs.errors import UnknownKindError
from jobs.inspection import Inspector
from jobs.retry import RetryPolicy

if TYPE_CHECKING:
    from jobs.context import JobContext


class Handler(Protocol):
    """Does the work of one attempt.

    Returns the job's `result` (JSON). Raises `RetryableError` or `PermanentError` to say what may be
    done about a failure; of any other exception `jobs.classification` says it. It may run more than once for one
    job, so what it does outside of the artifacts must be safe to repeat.
    """

    def __call__(self, context: JobContext) -> dict[str, Any] | None: ...


@dataclass(frozen=True)
class Kind:
    """One sort of job.

    `queue` is where its jobs wait unless the submission names another; `handler` runs an attempt. One
    that makes no progress for `stall_timeout_seconds` is ended and counts as lost; None: it may take its time.
    `inspector` tells the staff's pages what a payload means.
    """

    name: str
    queue: str
    handler: Handler
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    stall_timeout_seconds: float | None = None
    inspector: Inspector = field(default_factory=Inspector, compare=False)


_kinds: dict[str, Kind] = {}


def register_kind(kind: Kind) -> None:
    """Make `kind` known; called from an app's `AppConfig.ready()`.

    Raises ValueError when another kind has that name.
    """
    if _kinds.setdefault(kind.name, kind) != kind:
        raise ValueError(f"two kinds of jobs are named {kind.name!r}")


def get_kind(name: str) -> Kind:
    """The kind called `name`. Raises UnknownKindError when no installed app registers it."""
    try:
        return _kinds[name]
    except KeyError:
        raise UnknownKindError(f"no installed app registers the kind {name!r}") from None


def inspector_of(name: str) -> Inspector:
    """The inspector of a kind; one that knows nothing where no installed app registers it."""
    kind = _kinds.get(name)
    return kind.inspector if kind else Inspector()


def kind_names() -> list[str]:
    """The kinds that are registered, in order."""
    return sorted(_kinds)
