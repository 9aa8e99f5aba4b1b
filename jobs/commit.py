"""Transactions: what follows a commit and cannot undo it, and what is done again after a conflict."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Final, ParamSpec, TypeVar

import structlog
from django.db import OperationalError, connection, transaction

from jobs.classification import sqlstate

P = ParamSpec("P")
T = TypeVar("T")

logger = structlog.get_logger(__name__)

#: PostgreSQL has undone a transaction because of another one: serialization failure, deadlock.
CONFLICTS: Final = frozenset({"40001", "40P01"})
#: How often a transaction is tried at most.
TRIALS: Final = 4


def after_commit(act: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call `act` once the transaction has committed. An error of it is logged, and whoever committed goes on.

    Django logs the name of what it called, which a partial has not: the error would be its own, after the commit.
    """
    transaction.on_commit(update_wrapper(partial(act, *args, **kwargs), act), robust=True)


def in_transaction(act: Callable[[], T]) -> T:
    """Call `act` in a transaction; again, from its beginning, where PostgreSQL undid it because of another one.

    `act` must read what it decides upon. Within a transaction of the caller, which is undone as a whole, there is one
    trial. Raises OperationalError once all trials have met a conflict.
    """
    trials = 1 if connection.in_atomic_block else TRIALS
    for trial in range(1, trials + 1):
        try:
            with transaction.atomic():
                return act()
        except OperationalError as error:
            if trial == trials or sqlstate(error) not in CONFLICTS:
                raise
            logger.warning("transaction_repeated", sqlstate=sqlstate(error), trial=trial)
    raise AssertionError("the last trial returns or raises")
