"""The process that code of a type runs in: how it starts, what bounds it, and what is left of it when it is over."""

import fcntl
import os
import resource
import signal
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest
import structlog
from django.db import connection

from jobs.types import contained as module
from jobs.types.contained import Bounds, CannotStartError, ProcessEndedError, TookTooLongError, contained
from tests.support.waiting import wait_until

BOUNDS = Bounds(seconds=5, memory_bytes=512 * 1024**2)


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "START_METHOD", "fork")


def end(server: int) -> None:
    """Of the server that processes are forked from. The next call starts another."""
    os.kill(server, signal.SIGKILL)
    wait_until(lambda: psutil.Process(server).status() == psutil.STATUS_ZOMBIE)


def sleep_in_postgresql() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(60) AS contained")


def give_up() -> None:
    raise SystemExit("no login with " + "2retnuh"[::-1])


@pytest.mark.slow
def test_a_server_that_hangs_costs_one_call_and_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    server = contained("os.getppid", bounds=BOUNDS)
    os.kill(server, signal.SIGSTOP)
    ended = psutil.Process(server)
    with monkeypatch.context() as patched:
        patched.setattr(module, "START_SECONDS", 1)
        with pytest.raises(CannotStartError):
            contained("os.getppid", bounds=BOUNDS)
    wait_until(lambda: ended.status() == psutil.STATUS_ZOMBIE, message="the server has ended")
    assert contained("os.getppid", bounds=BOUNDS) != server


@pytest.mark.slow
def test_a_process_that_finds_nothing_preloaded_says_so(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    end(contained("os.getppid", bounds=BOUNDS))
    assert "contained_preload_failed" not in capfd.readouterr().err
    monkeypatch.setattr(module, "PRELOADED", "jobs.nowhere")
    end(contained("os.getppid", bounds=BOUNDS))
    assert "contained_preload_failed" in capfd.readouterr().err


def test_what_cannot_be_imported_has_not_started(forked: None) -> None:
    with pytest.raises(CannotStartError):
        contained("jobs.nowhere.act", bounds=BOUNDS)


@pytest.mark.usefixtures("forked", "transactional_db")
def test_a_statement_ends_with_the_process_that_waits_for_it() -> None:
    with pytest.raises(TookTooLongError):
        contained("tests.jobs.types.test_contained.sleep_in_postgresql", bounds=Bounds(1, BOUNDS.memory_bytes))
    left = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60) AS contained%'"
    with connection.cursor() as cursor:
        wait_until(lambda: cursor.execute(left) or cursor.fetchone() == (0,), message="the statement ends")


def test_threads_on_all_processors_may_compute_until_the_deadline(forked: None) -> None:
    limit = (BOUNDS.seconds + module.ALARM_AFTER_SECONDS) * (os.cpu_count() or 1)
    assert contained("resource.getrlimit", resource.RLIMIT_CPU, bounds=BOUNDS) == [limit, limit]


def test_the_log_has_no_text_of_an_exception_that_ends_the_process(
    forked: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with log.open("w") as file:
        written = structlog.wrap_logger(structlog.WriteLogger(file), [structlog.processors.KeyValueRenderer()])
        monkeypatch.setattr(module, "logger", written)
        with pytest.raises(ProcessEndedError):
            contained("tests.jobs.types.test_contained.give_up", bounds=BOUNDS)
    assert "SystemExit" in log.read_text()
    assert "hunter2" not in log.read_text()


def test_an_answer_is_read_where_a_thousand_files_are_open() -> None:
    ours, theirs = os.pipe()
    reader = Connection(fcntl.fcntl(ours, fcntl.F_DUPFD, 1024), writable=False)
    os.write(theirs, b"answer")
    for end in (ours, theirs):
        os.close(end)
    with reader:
        assert module._read(reader, 6, seconds=1, check=lambda: None) == b"answer"
