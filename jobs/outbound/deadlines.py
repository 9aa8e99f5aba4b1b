"""One thread per process that calls a function at a moment: what ends exchanges at their deadlines.

A timer thread for each exchange would be a second thread for each thread that waits for a server.
"""

from __future__ import annotations

import heapq
import itertools
import os
import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

logger = structlog.get_logger(__name__)

#: Canceled alarms are removed together, when there are this many and they are the majority.
MIN_CANCELED: Final = 64


class Alarm:
    """Calls `act` at `at`, by the monotonic clock, unless it is canceled before."""

    __slots__ = ("_watcher", "act", "at")

    def __init__(self, watcher: DeadlineWatcher, at: float, act: Callable[[], None]) -> None:
        self._watcher = watcher
        self.at = at
        self.act: Callable[[], None] | None = act

    def cancel(self) -> None:
        """Forget `act`. It may be running at this moment."""
        self._watcher.cancel(self)


class DeadlineWatcher:
    """Alarms in a heap, and a thread that sleeps until the earliest one. The thread starts with the first alarm."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._heap: list[tuple[float, int, Alarm]] = []
        self._numbers = itertools.count()  # so that alarms at the same moment need not be compared
        self._canceled = 0
        self._thread: threading.Thread | None = None

    def call_at(self, at: float, act: Callable[[], None]) -> Alarm:
        """Call `act` in the watcher's thread. It must return at once, because all alarms share the thread."""
        alarm = Alarm(self, at, act)
        with self._changed:
            heapq.heappush(self._heap, (at, next(self._numbers), alarm))
            if self._thread is None or not self._thread.is_alive():
                thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                thread.start()
                self._thread = thread
            elif self._heap[0][2] is alarm:
                self._changed.notify()
        return alarm

    def cancel(self, alarm: Alarm) -> None:
        with self._changed:
            if alarm.act is None:
                return
            alarm.act = None
            self._canceled += 1
            if self._canceled >= MIN_CANCELED and self._canceled * 2 > len(self._heap):
                self._heap = [each for each in self._heap if each[2].act is not None]
                heapq.heapify(self._heap)
                self._canceled = 0

    def __len__(self) -> int:
        """How many alarms it keeps, with canceled ones."""
        return len(self._heap)

    def _watch(self) -> None:
        while True:
            act = self._next_due()
            try:
                act()
            except Exception as error:  # the thread serves all the others
                logger.warning("deadline_failed", error=repr(error))
            del act  # it holds an exchange with its response

    def _next_due(self) -> Callable[[], None]:
        with self._changed:
            while True:
                while self._heap and self._heap[0][0] <= time.monotonic():
                    alarm = heapq.heappop(self._heap)[2]
                    act, alarm.act = alarm.act, None
                    if act is not None:
                        return act
                    self._canceled -= 1
                self._changed.wait(self._heap[0][0] - time.monotonic() if self._heap else None)


def call_at(at: float, act: Callable[[], None]) -> Alarm:
    """Call `act` at `at`, by the monotonic clock, in the thread that this process has for all alarms."""
    return _watcher.call_at(at, act)


def _start_again() -> None:
    """A forked process has no thread, and the lock may be held by one that is not there."""
    global _watcher
    _watcher = DeadlineWatcher()


_watcher = DeadlineWatcher()
os.register_at_fork(after_in_child=_start_again)
