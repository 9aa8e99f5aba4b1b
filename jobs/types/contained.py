"""Run code that may hang, crash or exhaust memory in a separate process with limits.

    contained("reports.sampling.read_preview", payload, bounds=Bounds(seconds=8, memory_bytes=2**29))

The process starts within milliseconds, because it is forked from a server that has already loaded Django
(https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods). The server has no threads and no
connections, so the process inherits no socket of the web server and no PostgreSQL session. After its time the caller
kills it, whatever its code does with signals and threads; if the caller is gone, its own alarm ends it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from typing import Any, Final

import psutil
import structlog

logger = structlog.get_logger(__name__)

#: Tests that register types at run time use "fork".
START_METHOD = "forkserver"
PRELOADED: Final = "jobs.types.contained_preload"
#: How long a process may take to start; the first process of a server waits until Django is loaded.
START_SECONDS: Final = 60.0
#: Delay of the process's own alarm after the caller's deadline: it is only for callers that are gone.
ALARM_AFTER_SECONDS: Final = 2
LONGEST_ANSWER_BYTES: Final = 4 * 1024 * 1024
#: Interval between calls of `check`.
POLL_SECONDS: Final = 0.2

_READY: Final = b"+"
_LENGTH: Final = struct.Struct("!Q")
_starting = threading.Lock()


class ContainedError(Exception):
    """The code did not finish within its limits."""


class CannotStartError(ContainedError):
    """The process did not start, which is not the fault of the code."""


class TookTooLongError(ContainedError):
    """The process was killed at its deadline."""


class ProcessEndedError(ContainedError):
    """The process ended without an answer."""


class AnswerTooLargeError(ContainedError):
    """The answer exceeds LONGEST_ANSWER_BYTES."""


@dataclass(frozen=True)
class Bounds:
    """The limits of the code: `seconds` from its start, and memory in addition to Django's."""

    seconds: float
    memory_bytes: int


def contained(function: str, *arguments: Any, bounds: Bounds, check: Callable[[], None] = lambda: None) -> Any:
    """Call the function with this dotted name and return its answer, which must be JSON. `arguments` are pickled.

    The function must catch the errors of the code that it calls. `check` is called while waiting; if it raises, the
    process is killed. Raises ContainedError.
    """
    context: Any = multiprocessing.get_context(START_METHOD)
    if START_METHOD == "forkserver":
        # Only the call that starts the server preloads; each process would load any other module itself.
        context.set_forkserver_preload([PRELOADED, function.rpartition(".")[0]])
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(writer, function, arguments, bounds), daemon=True)
    began = time.monotonic()
    try:
        try:
            with _starting, _server_killed_after(START_SECONDS):  # the lock: only one thread may start the server
                process.start()
            writer.close()
            _read(reader, 1, seconds=START_SECONDS, check=check)
        except (OSError, EOFError, ContainedError) as error:
            raise CannotStartError(f"it did not start: {type(error).__name__} {error}".strip()) from error
        started = time.monotonic()
        (length,) = _LENGTH.unpack(_read(reader, _LENGTH.size, seconds=bounds.seconds, check=check))
        if length > LONGEST_ANSWER_BYTES:
            raise AnswerTooLargeError(f"an answer of {length} bytes")
        left = started + bounds.seconds - time.monotonic()
        return json.loads(_read(reader, length, seconds=left, check=check))
    finally:
        reader.close()
        _end(process)
        logger.debug("contained", function=function, seconds=round(time.monotonic() - began, 3))


@contextmanager
def _server_killed_after(seconds: float) -> Iterator[None]:
    """Python waits forever for a server that hangs, for example loading an app. The next call starts a new one."""

    def kill() -> None:
        if pid := getattr(forkserver._forkserver, "_forkserver_pid", None):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    timer = threading.Timer(seconds, kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _read(reader: Connection, size: int, *, seconds: float, check: Callable[[], None]) -> bytes:
    """Read exactly `size` bytes, and never wait longer than `seconds`, even if the process stops in the middle."""
    data, until = b"", time.monotonic() + seconds
    while len(data) < size:
        check()
        left = until - time.monotonic()
        if left <= 0:
            raise TookTooLongError(f"it took longer than {seconds:g} s")
        if not wait([reader], min(left, POLL_SECONDS)):
            continue
        part = os.read(reader.fileno(), min(size - len(data), 65536))
        if not part:
            raise ProcessEndedError("its process ended")
        data += part
    return data


def _end(process: Any) -> None:
    """Kill the process and its children."""
    if process.pid is None:
        return
    for kill in (os.killpg, os.kill):  # it may not lead a group yet
        with suppress(ProcessLookupError, PermissionError):
            kill(process.pid, signal.SIGKILL)
    process.join(5)


def _work(writer: Connection, function: str, arguments: tuple[Any, ...], bounds: Bounds) -> None:
    """In the process: call the function, write its answer, and exit."""
    os.setsid()
    is_preloaded = PRELOADED in sys.modules
    from jobs.types.contained_preload import forget_connections

    forget_connections()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.alarm(START_SECONDS.__ceil__())
    from django.utils.module_loading import import_string

    act = import_string(function)
    _limit(bounds)
    if START_METHOD == "forkserver" and not is_preloaded:
        logger.warning("contained_preload_failed", module=PRELOADED)  # each process loads Django
    os.write(writer.fileno(), _READY)
    try:
        answer = json.dumps(act(*arguments)).encode()
    except BaseException as error:
        # Not the text of the error, which may contain secrets.
        frames = "".join(traceback.format_tb(error.__traceback__))
        logger.error("contained_code_failed", function=function, error=type(error).__name__, frames=frames)
        os._exit(1)
    _write(writer, _LENGTH.pack(len(answer)))
    _write(writer, answer if len(answer) <= LONGEST_ANSWER_BYTES else b"")
    os._exit(0)


def _limit(bounds: Bounds) -> None:
    """Let the kernel enforce the limits of wall time, CPU time and memory from now on."""
    longest = bounds.seconds.__ceil__() + ALARM_AFTER_SECONDS
    signal.alarm(longest)
    used = psutil.Process().memory_info().vms
    with suppress(ValueError, OSError):  # some systems lack these limits
        on_all = longest * (os.cpu_count() or 1)  # the CPU time of all threads counts
        resource.setrlimit(resource.RLIMIT_CPU, (on_all, on_all))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (used + bounds.memory_bytes, used + bounds.memory_bytes))


def _write(writer: Connection, data: bytes) -> None:
    while data:
        data = data[os.write(writer.fileno(), data) :]
