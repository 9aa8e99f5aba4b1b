"""What all sweeps share: none runs twice at the same time, and each records its last run in a row."""

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

#: The maximum number of rows that one run of a sweep changes.
BATCH_SIZE: Final = 500


@dataclass(frozen=True)
class PeriodicSweep:
    """A function that repairs or deletes one kind of thing, a batch at a time, and returns how many it changed."""

    function: Callable[[], int]
    every_seconds: int

    @property
    def name(self) -> str:
        """The key of the sweep's row in `jobs_sweep`."""
        return self.function.__name__

    @property
    def task(self) -> str:
        """The name of the sweep's Celery task and schedule, which must not change."""
        return f"jobs.{self.name}"

    def __call__(self) -> int | None:
        """Run the sweep under an advisory lock. Does nothing and returns None while it runs elsewhere."""
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
    """Declare a sweep, and the period of its schedule in a fresh database. Add it to `jobs.maintenance.sweeps`."""
    return partial(PeriodicSweep, every_seconds=every_seconds)


def keep_error(name: str, error: Exception, *, handled: int) -> None:
    """Record the error in the row of the sweep."""
    Sweep.objects.filter(name=name).update(handled=F("handled") + handled, last_error=redact(repr(error)))


class PartlyDoneError(Exception):
    """The first `error` of a sweep that nevertheless handled `handled` items."""

    def __init__(self, error: Exception, handled: int) -> None:
        super().__init__(error)
        self.error = error
        self.handled = handled


class IndependentTransactions:
    """Handle items one by one, so that one failure does not stop the others, and is still reported.

    Raises PartlyDoneError at the end of the block. An item that was changed meanwhile is skipped.

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
