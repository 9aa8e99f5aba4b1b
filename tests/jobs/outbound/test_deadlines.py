"""One thread for all deadlines: each is kept, in any order, and those that are canceled cost nothing for long."""

import os
import threading
import time
from functools import partial

import pytest

from jobs.outbound.cutoff import Cutoff
from jobs.outbound.deadlines import MIN_CANCELED, DeadlineWatcher, call_at
from tests.support.waiting import wait_until


def test_alarms_go_off_in_the_order_of_their_moments() -> None:
    watcher = DeadlineWatcher()
    called: list[float] = []
    now = time.monotonic()
    for after in (0.3, 0.1, 0.2, 0.0, -1.0):
        watcher.call_at(now + after, partial(called.append, after))
    wait_until(lambda: len(called) == 5)
    assert called[-3:] == [0.1, 0.2, 0.3]
    assert time.monotonic() >= now + 0.3


def test_an_earlier_alarm_does_not_wait_for_a_later_one() -> None:
    watcher, called = DeadlineWatcher(), threading.Event()
    watcher.call_at(time.monotonic() + 600, lambda: None)
    watcher.call_at(time.monotonic(), called.set)
    assert called.wait(10)


def test_a_canceled_alarm_does_not_go_off() -> None:
    watcher, last = DeadlineWatcher(), threading.Event()
    called: list[str] = []
    alarm = watcher.call_at(time.monotonic() + 0.1, lambda: called.append("canceled"))
    watcher.call_at(time.monotonic() + 0.2, last.set)
    alarm.cancel()
    alarm.cancel()
    assert last.wait(10)
    assert called == []


def test_canceled_alarms_are_not_kept() -> None:
    watcher, called = DeadlineWatcher(), threading.Event()
    watcher.call_at(time.monotonic() + 600, lambda: None)
    for _ in range(10 * MIN_CANCELED):
        watcher.call_at(time.monotonic() + 600, lambda: None).cancel()
    assert len(watcher) <= MIN_CANCELED + 1
    watcher.call_at(time.monotonic(), called.set)
    assert called.wait(10)


def fail() -> None:
    raise ZeroDivisionError


def test_one_that_fails_does_not_end_the_others() -> None:
    watcher, called = DeadlineWatcher(), threading.Event()
    watcher.call_at(time.monotonic(), fail)
    watcher.call_at(time.monotonic() + 0.05, called.set)
    assert called.wait(10)


def test_all_share_one_thread() -> None:
    called: list[str] = []
    alarms = [call_at(time.monotonic() + 600, lambda: None) for _ in range(50)]
    call_at(time.monotonic(), lambda: called.append(threading.current_thread().name))
    wait_until(lambda: called)
    assert called == ["deadlines"]
    assert [thread.name for thread in threading.enumerate()].count("deadlines") >= 1
    for alarm in alarms:
        alarm.cancel()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_has_a_watcher_of_its_own() -> None:
    """As the prefork pool of Celery forks; the thread of the parent is not there."""
    call_at(time.monotonic(), lambda: None)
    if (child := os.fork()) == 0:
        called = threading.Event()
        call_at(time.monotonic(), called.set)
        os._exit(0 if called.wait(10) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_deadline_ends_what_blocks() -> None:
    cutoff, woken = Cutoff(0.1), threading.Event()
    with cutoff.watching():
        cutoff.interrupt_with(woken.set)
        assert woken.wait(10)
    assert (cutoff.has_ended, cutoff.was_aborted) == (True, False)
    with pytest.raises(TimeoutError):
        cutoff.seconds_left()
    with pytest.raises(TimeoutError):
        cutoff.interrupt_with(woken.set)


def test_a_block_that_ends_in_time_is_left_alone() -> None:
    cutoff, last = Cutoff(0.05), threading.Event()
    with cutoff.watching():
        pass
    call_at(cutoff.deadline + 0.05, last.set)
    assert last.wait(10)
    assert not cutoff.has_ended
