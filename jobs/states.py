"""The states of a job and of an attempt."""

from django.db import models


class State(models.TextChoices):
    """Where a job stands. `jobs.transitions` holds the only code that changes it.

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


#: A job in one of these may still change without a person's doing.
ACTIVE = frozenset({State.QUEUED, State.RUNNING, State.FAILED})


class Outcome(models.TextChoices):
    """How an attempt ended. An attempt that still runs has none."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"
    CANCELLED = "cancelled"
    HANDED_BACK = "handed_back"
