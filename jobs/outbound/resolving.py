"""Looks names up without being blocked by a name server that hangs.

A lookup cannot be interrupted, so it runs in a thread that may outlive whoever waits for it. All who ask for the same
name at the same time share one lookup, so a name that hangs keeps one thread busy and delays no other name.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Final

from jobs.outbound.cutoff import Cutoff

#: How long a result is used again. Shorter than any sensible time to live, long enough for a burst of calls.
FRESH_SECONDS: Final = 1.0
#: Who asks later than this does not join a lookup that still runs: the name server may have recovered.
JOIN_SECONDS: Final = 5.0
#: Old results are removed when there are more names than this.
MAX_NAMES: Final = 256

#: What `getaddrinfo` returns for each address.
Found = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]


class Resolver:
    """The lookups that run, and the results that are fresh."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lookups: dict[str, tuple[float, Future[Sequence[Found]]]] = {}

    def look_up(self, name: str) -> Future[Sequence[Found]]:
        """A lookup of the name, possibly one that somebody else began."""
        now = time.monotonic()
        with self._lock:
            began, lookup = self._lookups.get(name, (0.0, None))
            if lookup is not None and _is_usable(lookup, age=now - began):
                return lookup
            if len(self._lookups) >= MAX_NAMES:
                self._remove_old(now)
            lookup = Future()
            self._lookups[name] = (now, lookup)
        try:
            threading.Thread(target=_look_up, args=(name, lookup), name="resolver", daemon=True).start()
        except RuntimeError as error:  # there are too many threads; nobody is to join this lookup
            lookup.set_exception(error)
        return lookup

    def forget(self) -> None:
        """Use no earlier result."""
        with self._lock:
            self._lookups.clear()

    def _remove_old(self, now: float) -> None:
        kept = {name: each for name, each in self._lookups.items() if _is_usable(each[1], age=now - each[0])}
        self._lookups = kept


def resolve(name: str, *, cutoff: Cutoff, until: float) -> Sequence[Found]:
    """The addresses of a name, with port 0. Raises OSError: gaierror if it has none, TimeoutError at `until` or if the
    exchange ends.
    """
    lookup = _resolver.look_up(name)
    if not lookup.done():
        woken = threading.Event()
        lookup.add_done_callback(lambda _: woken.set())
        cutoff.interrupt_with(woken.set)
        try:
            woken.wait(cutoff.seconds_left(until))
        finally:
            cutoff.release()
        cutoff.seconds_left()
        if not lookup.done():
            raise TimeoutError
    try:
        return lookup.result()
    except OSError as error:
        raise type(error)(*error.args) from None  # not the same one, which others who share the lookup raise, too
    except Exception:  # such as UnicodeError, for a name that is too long
        raise socket.gaierror from None


def forget_names() -> None:
    """Look each name up again."""
    _resolver.forget()


def _is_usable(lookup: Future[Sequence[Found]], *, age: float) -> bool:
    if not lookup.done():
        return age < JOIN_SECONDS
    return age < FRESH_SECONDS and lookup.exception() is None


def _look_up(name: str, lookup: Future[Sequence[Found]]) -> None:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except Exception as error:
        lookup.set_exception(error)
    else:
        lookup.set_result(found)


def _start_again() -> None:
    """The threads of a forked process are gone, and with them the lookups that ran."""
    global _resolver
    _resolver = Resolver()


_resolver = Resolver()
os.register_at_fork(after_in_child=_start_again)
