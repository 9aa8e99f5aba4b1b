"""What follows a commit, and cannot undo it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import ParamSpec

from django.db import transaction

P = ParamSpec("P")


def after_commit(act: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call `act` once the transaction has committed. An error of it is logged, and whoever committed goes on.

    Django logs the name of what it called, which a partial has not: the error would be its own, after the commit.
    """
    transaction.on_commit(update_wrapper(partial(act, *args, **kwargs), act), robust=True)
