"""Transactions: calls after a commit, which cannot undo it, and retries after a conflict."""

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

#: Maximum number of times that a transaction is tried.
TRIALS: Final = 4


def after_commit(act: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call `act` once the transaction has committed. If it raises, the error is logged and the caller continues.

    Django logs the name of the function. A partial has no name, so logging would raise, after the commit.
    """
    transaction.on_commit(update_wrapper(partial(act, *args, **kwargs), act), robust=True)


def ask_after_commit(ask: Callable[[], T], *, otherwise: Callable[[], T]) -> T:
    """What `ask` returns, for the answer to a request that has committed; if it raises, what `otherwise` returns.

    An error would tell the client that nothing happened, although the request was accepted. Read facts that the commit
    does not change before it, within the transaction.
    """
    try:
        return ask()
    except Exception as error:
        log = logger.warning if is_outage(error) else logger.exception
        log("unknown_after_commit", error=repr(error))
        return otherwise()


def in_transaction(act: Callable[[], T]) -> T:
    """Call `act` in a transaction, and again from the beginning if PostgreSQL rolled it back because of a conflict.

    `act` must itself read what it decides on. Within a transaction of the caller, which is rolled back as a whole, it
    is tried once. Raises DatabaseError if the last try meets a conflict, too.
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
