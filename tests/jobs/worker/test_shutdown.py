"""The byte that tells the processes of a pool that their worker stops."""

import os
import signal
from collections.abc import Iterator

import pytest

from jobs.worker import shutdown


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    shutdown._stopping[0] = 0
    shutdown._pool_process = False


def test_a_forked_process_hears_what_its_parent_is_told() -> None:
    reading, writing = os.pipe()
    going_on, told = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            os.close(told)  # so that the test's end is the end of what this process reads
            os.write(writing, b"0" if shutdown.is_stopping() is False else b"?")
            os.read(going_on, 1)
            os.write(writing, b"1" if shutdown.is_stopping() is True else b"?")
        finally:
            os._exit(0)
    assert os.read(reading, 1) == b"0"
    shutdown.announce(sig="SIGTERM", how="Warm")
    os.write(told, b"x")
    assert os.read(reading, 1) == b"1"
    os.waitpid(pid, 0)


def test_a_worker_hears_of_the_signal_before_celery_acts_on_it() -> None:
    seen: list[bool] = []
    before = signal.signal(signal.SIGQUIT, lambda number, frame: seen.append(shutdown.is_stopping()))
    others = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        shutdown.listen()
        shutdown.listen()  # Celery is ready again after each reconnection
        os.kill(os.getpid(), signal.SIGQUIT)
        assert seen == [True]
    finally:
        signal.signal(signal.SIGQUIT, before)
        for number, handler in others.items():
            signal.signal(number, handler)


def test_a_process_of_a_prefork_pool_knows_that_it_is_one() -> None:
    assert not shutdown.is_pool_process()
    shutdown.mark_pool_process()
    assert shutdown.is_pool_process()
