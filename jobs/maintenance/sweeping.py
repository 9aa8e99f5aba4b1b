"""What all sweeps share: one at a time, wherever they run, and a row that says when each ran last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Final, Self

import structlog
from django.db.models import F
from django.db.models.functions import Now

from jobs.errors import TransitionError
from jobs.models import Sweep
from jobs.payloads.redaction import redact
from jobs.postgres.advisory_locks import alone

logger = structlog.get_logger(__name__)

#: All sweeps by name; `jobs.tasks` makes a Celery task of each, `jobs.maintenance.seeding` its schedule.
SWEEPS: Final[dict[str, Callable[[], int | None]]] = {}


def sweep(function: Callable[[], int]) -> Callable[[], int | None]:
    """Register a sweep: a function that mends one thing, a batch at a time, and returns how many it changed.

    Called, it runs under an advisory lock, and its row in `jobs_sweep` says when. It returns None, and does
    nothing, while it runs elsewhere.
    """
    name = function.__name__

    @wraps(function)
    def run() -> int | None:
        with alone(name) as granted:
            if not granted:
                logger.info("sweep_runs_elsewhere", sweep=name)
                return None
            Sweep.objects.update_or_create(name=name, defaults={"last_started_at": Now()})
            try:
                handled = function()
            except NotAllMendedError as error:
                keep_error(name, error.error, handled=error.handled)
                raise error.error from None
            except Exception as error:
                keep_error(name, error, handled=0)
                raise
            Sweep.objects.filter(name=name).update(
                last_finished_at=Now(), last_handled=handled, handled=F("handled") + handled, last_error=""
            )
        if handled:
            logger.info("swept", sweep=name, handled=handled)
        return handled

    SWEEPS[name] = run
    return run


def keep_error(name: str, error: Exception, *, handled: int) -> None:
    """In the row of the sweep."""
    Sweep.objects.filter(name=name).update(handled=F("handled") + handled, last_error=redact(repr(error)))


class NotAllMendedError(Exception):
    """The first `error` of a sweep that mended others all the same, so many as `handled` says."""

    def __init__(self, error: Exception, handled: int) -> None:
        super().__init__(error)
        self.error = error
        self.handled = handled


class EachForItself:
    """Mend things one by one, so that one that cannot be mended keeps no other from it, and shows all the same.

    Raises NotAllMendedError at the end of the block. One that another writer changed meanwhile is its to mend.

        with EachForItself() as each:
            for job in jobs:
                with each(job.pk):
                    ...
                    each.handled += 1
        return each.handled
    """

    def __init__(self) -> None:
        self.handled = 0
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        return self

    @contextmanager
    def __call__(self, what: object) -> Iterator[None]:
        try:
            yield
        except TransitionError:
            logger.info("sweep_overtaken", what=str(what))
        except Exception as error:
            logger.warning("not_mended", what=str(what), error=redact(repr(error)))
            self.error = self.error or error

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is None and self.error is not None:
            raise NotAllMendedError(self.error, self.handled)
