"""What all sweeps share: one at a time, wherever they run, and a row that says when each ran last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, Self

import structlog
from django.db.models import F
from django.db.models.functions import Now

from jobs.errors import TransitionError
from jobs.models import Sweep
from jobs.payloads.redaction import redact
from jobs.postgres.advisory_locks import LockClass, try_lock

logger = structlog.get_logger(__name__)

#: Rows that one run of a sweep changes at most.
BATCH_SIZE: Final = 500


@dataclass(frozen=True)
class PeriodicSweep:
    """A function that puts one thing in order, a batch at a time, and returns how many rows or files it changed."""

    function: Callable[[], int]
    every_seconds: int

    @property
    def name(self) -> str:
        """The key of its row in `jobs_sweep`."""
        return self.function.__name__

    @property
    def task(self) -> str:
        """The name of its Celery task and of its schedule, which are pinned."""
        return f"jobs.{self.name}"

    def __call__(self) -> int | None:
        """Run it once, under an advisory lock. None, and nothing is done, while it runs elsewhere."""
        with try_lock(LockClass.SWEEP, self.name) as granted:
            if not granted:
                logger.info("sweep_runs_elsewhere", sweep=self.name)
                return None
            Sweep.objects.update_or_create(name=self.name, defaults={"last_started_at": Now()})
            try:
                handled = self.function()
            except PartlyDoneError as error:
                keep_error(self.name, error.error, handled=error.handled)
                raise error.error from None
            except Exception as error:
                keep_error(self.name, error, handled=0)
                raise
            Sweep.objects.filter(name=self.name).update(
                last_finished_at=Now(), last_handled=handled, handled=F("handled") + handled, last_error=""
            )
        if handled:
            logger.info("swept", sweep=self.name, handled=handled)
        return handled


def sweep(*, every_seconds: int) -> Callable[[Callable[[], int]], PeriodicSweep]:
    """Declare a sweep and the period that its schedule has in a fresh database.

    `jobs.maintenance.sweeps` lists all sweeps; add yours there.
    """
    return partial(PeriodicSweep, every_seconds=every_seconds)


def keep_error(name: str, error: Exception, *, handled: int) -> None:
    """Keep the error in the row of the sweep."""
    Sweep.objects.filter(name=name).update(handled=F("handled") + handled, last_error=redact(repr(error)))


class PartlyDoneError(Exception):
    """The first `error` of a sweep that nevertheless handled as many others as `handled` says."""

    def __init__(self, error: Exception, handled: int) -> None:
        super().__init__(error)
        self.error = error
        self.handled = handled


class IndependentTransactions:
    """Handle items one by one, so that one that fails does not keep the others waiting, and its error still shows.

    Raises PartlyDoneError at the end of the block. An item that another writer has changed meanwhile is skipped.

        with IndependentTransactions() as each:
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
            raise PartlyDoneError(self.error, self.handled)
