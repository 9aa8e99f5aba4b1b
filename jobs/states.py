"""The states of jobs, the outcomes of attempts, and the levels of findings."""

from enum import IntEnum

from django.db import models


class State(models.TextChoices):
    """The state of a job. `jobs.worker.transitions` holds the only code that changes it.

    ```
                  ┌────────── hand back ─────────┐
                  ▼                              │
    submit ─▶ queued ───── claim ─────────▶ running ─── finish ──▶ succeeded
               ▲  ▲                            │ │
               │  └── retry ── failed ◀─ fail ─┘ └─ bury ──▶ dead
               │                 └──── bury ──────────────────▲ │
               └──────────────── requeue, by a person ──────────┘
    queued, running, failed, dead ─── cancel ───▶ cancelled
    ```
    """

    QUEUED = "queued"
    RUNNING = "running"
    FAILED = "failed"
    DEAD = "dead"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"


#: A job in one of these states may still change on its own.
ACTIVE = frozenset({State.QUEUED, State.RUNNING, State.FAILED})
#: A job in one of these states can be canceled.
CANCELLABLE = frozenset({State.QUEUED, State.RUNNING, State.FAILED, State.DEAD})
#: A person can requeue or discard a job in one of these states: it is dead, or waits for its next retry.
UNFINISHED = frozenset({State.DEAD, State.FAILED})


class Outcome(models.TextChoices):
    """How an attempt ended. A running attempt has no outcome."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"
    CANCELLED = "cancelled"
    HANDED_BACK = "handed_back"


class Level(IntEnum):
    """How strongly a finding argues against running the job again."""

    OK = 0
    WARNING = 1
    REFUSED = 2
    #: The job could be queued, but would fail again in the same way.
    WILL_FAIL = 3

    @property
    def forbids(self) -> bool:
        """Whether the job must stay as it is."""
        return self >= Level.REFUSED
