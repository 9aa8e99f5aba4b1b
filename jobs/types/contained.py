"""Run code that may hang, end its process or take all memory: in a process of its own, within bounds.

    contained("reports.previewing.read_preview", payload, bounds=Bounds(seconds=8, memory_bytes=2**29))

The process is forked from a server without threads and connections, which has loaded Django already, so that it starts
within milliseconds (https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods). It inherits no
socket of the web server and no session of PostgreSQL. When its time is over the caller kills it, whatever its code does
with signals and threads. Should the caller be gone, its own alarm ends it.
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

#: Tests that register types while they run use "fork".
START_METHOD = "forkserver"
PRELOADED: Final = "jobs.types.contained_preload"
#: How long a process may take to begin, which the first one of a server does after Django is loaded. Seconds.
START_SECONDS: Final = 60.0
#: The alarm of the process rings later than its caller's patience ends: it is for callers that are gone. Seconds.
ALARM_AFTER_SECONDS: Final = 2
LONGEST_ANSWER_BYTES: Final = 4 * 1024 * 1024
#: How often the caller is asked whether to go on. Seconds.
POLL_SECONDS: Final = 0.2

_READY: Final = b"+"
_LENGTH: Final = struct.Struct("!Q")
_starting = threading.Lock()


class ContainedError(Exception):
    """The code did not come to its end within its bounds."""


class CannotStartError(ContainedError):
    """Its process did not begin; that is no fault of the code."""


class TookTooLongError(ContainedError):
    """It was killed when its time was over."""


class ProcessEndedError(ContainedError):
    """Its process ended without an answer."""


class AnswerTooLargeError(ContainedError):
    """Its answer is longer than an answer may be."""


@dataclass(frozen=True)
class Bounds:
    """What the code may take: `seconds` from its first line on; memory beyond Django's."""

    seconds: float
    memory_bytes: int


def contained(function: str, *arguments: Any, bounds: Bounds, check: Callable[[], None] = lambda: None) -> Any:
    """Call the function of this dotted name and return its answer, which is JSON.

    `arguments` are pickled. The function is ours: it catches what the code it calls raises. `check` is called while
    waiting, and may raise to end it.

    Raises ContainedError.
    """
    context: Any = multiprocessing.get_context(START_METHOD)
    if START_METHOD == "forkserver":
        # Counts for the call that starts the server; what is not loaded there, each process would load.
        context.set_forkserver_preload([PRELOADED, function.rpartition(".")[0]])
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(writer, function, arguments, bounds), daemon=True)
    began = time.monotonic()
    try:
        try:
            with _starting, _server_killed_after(START_SECONDS):  # of several threads
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
    """Python waits without end for a server that hangs, be it while loading an app. The next call starts a new one."""

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
    """So many bytes. It never waits longer, even for a process that stops in the middle."""
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
    """Kill the process, and what it has started."""
    if process.pid is None:
        return
    for kill in (os.killpg, os.kill):  # it may not be the leader of a group yet
        with suppress(ProcessLookupError, PermissionError):
            kill(process.pid, signal.SIGKILL)
    process.join(5)


def _work(writer: Connection, function: str, arguments: tuple[Any, ...], bounds: Bounds) -> None:
    """The process: call the function, write its answer, end."""
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
        # Its text may hold secrets.
        frames = "".join(traceback.format_tb(error.__traceback__))
        logger.error("contained_code_failed", function=function, error=type(error).__name__, frames=frames)
        os._exit(1)
    _write(writer, _LENGTH.pack(len(answer)))
    _write(writer, answer if len(answer) <= LONGEST_ANSWER_BYTES else b"")
    os._exit(0)


def _limit(bounds: Bounds) -> None:
    """From now on the kernel keeps the time, by the clock and by the processor, and the memory."""
    longest = bounds.seconds.__ceil__() + ALARM_AFTER_SECONDS
    signal.alarm(longest)
    used = psutil.Process().memory_info().vms
    with suppress(ValueError, OSError):  # not on every system
        on_all = longest * (os.cpu_count() or 1)  # the time of threads adds up
        resource.setrlimit(resource.RLIMIT_CPU, (on_all, on_all))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (used + bounds.memory_bytes, used + bounds.memory_bytes))


def _write(writer: Connection, data: bytes) -> None:
    while data:
        data = data[os.write(writer.fileno(), data) :]
