"""Transactions: what follows a commit and cannot undo it, and what is done again after a conflict."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Final, ParamSpec, TypeVar

import structlog
from django.db import DatabaseError, connection, transaction

from jobs.classification import sqlstate
from jobs.postgres.outages import is_conflict, is_outage

P = ParamSpec("P")
T = TypeVar("T")

logger = structlog.get_logger(__name__)

#: How often a transaction is tried at most.
TRIALS: Final = 4


def after_commit(act: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call `act` once the transaction has committed. An error of it is logged, and whoever committed goes on.

    Django logs the name of what it called, which a partial has not: the error would be its own, after the commit.
    """
    transaction.on_commit(update_wrapper(partial(act, *args, **kwargs), act), robust=True)


def ask_after_commit(ask: Callable[[], T], *, otherwise: Callable[[], T]) -> T:
    """What `ask` finds out for the answer to a request that has committed; where it fails, what `otherwise` returns.

    What was accepted stays accepted: an error would tell the client that nothing happened. What an answer needs and
    what does not change by the commit is better read before it, within the transaction.
    """
    try:
        return ask()
    except Exception as error:
        log = logger.warning if is_outage(error) else logger.exception
        log("unknown_after_commit", error=repr(error))
        return otherwise()


def in_transaction(act: Callable[[], T]) -> T:
    """Call `act` in a transaction; again, from its beginning, where PostgreSQL undid it because of a conflict.

    `act` must read what it decides upon. Within a transaction of the caller, which is undone as a whole, there is one
    trial. Raises DatabaseError once all trials have met a conflict.
    """
    trials = 1 if connection.in_atomic_block else TRIALS
    for trial in range(1, trials + 1):
        try:
            with transaction.atomic():
                return act()
        except DatabaseError as error:
            if trial == trials or not is_conflict(error):
                raise
            logger.warning("transaction_repeated", sqlstate=sqlstate(error), trial=trial)
    raise AssertionError("the last trial returns or raises")
