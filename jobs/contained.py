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
import select
import signal
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final

import psutil
import structlog

logger = structlog.get_logger(__name__)

#: Tests that register types while they run use "fork".
START_METHOD = "forkserver"
#: How long a process may take to begin, which the first one of a server does after Django is loaded. Seconds.
START_SECONDS: Final = 60.0
#: The alarm of the process rings later than its caller's patience ends: it is for callers that are gone. Seconds.
ALARM_AFTER_SECONDS: Final = 2
#: How often the caller is asked whether to go on. Seconds.
POLL_SECONDS: Final = 0.2

_READY: Final = b"+"
_LENGTH: Final = struct.Struct("!Q")
_starting = threading.Lock()


class ContainedError(Exception):
    """The code did not come to its end within its bounds."""


class TookTooLongError(ContainedError):
    """It was killed when its time was over."""


class ProcessEndedError(ContainedError):
    """Its process ended without an answer."""


class AnswerTooLargeError(ContainedError):
    """Its answer is longer than an answer may be."""


@dataclass(frozen=True)
class Bounds:
    """What the code may take: `seconds` from its first line on; memory beyond Django's; bytes of its answer."""

    seconds: float
    memory_bytes: int
    answer_bytes: int = 4 * 1024 * 1024


def contained(function: str, *arguments: Any, bounds: Bounds, check: Callable[[], None] = lambda: None) -> Any:
    """Call the function of this dotted name and return its answer, which is JSON.

    `arguments` are pickled. The function is ours: it catches what the code it calls raises. `check` is called while
    waiting, and may raise to end it.

    Raises ContainedError.
    """
    context: Any = multiprocessing.get_context(START_METHOD)
    if START_METHOD == "forkserver":
        # Counts for the call that starts the server; what is not loaded there, each process would load.
        context.set_forkserver_preload(["__main__", "jobs.contained_preload", function.rpartition(".")[0]])
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(writer, function, arguments, bounds), daemon=True)
    began = time.monotonic()
    try:
        with _starting:  # of several threads
            process.start()
        writer.close()
        _read(reader, 1, seconds=START_SECONDS, check=check)
        started = time.monotonic()
        (length,) = _LENGTH.unpack(_read(reader, _LENGTH.size, seconds=bounds.seconds, check=check))
        if length > bounds.answer_bytes:
            raise AnswerTooLargeError(f"an answer of {length} bytes")
        left = started + bounds.seconds - time.monotonic()
        return json.loads(_read(reader, length, seconds=left, check=check))
    finally:
        reader.close()
        _end(process)
        logger.debug("contained", function=function, seconds=round(time.monotonic() - began, 3))


def _read(reader: Connection, size: int, *, seconds: float, check: Callable[[], None]) -> bytes:
    """So many bytes. It never waits longer, even for a process that stops in the middle."""
    data, until = b"", time.monotonic() + seconds
    while len(data) < size:
        check()
        left = until - time.monotonic()
        if left <= 0:
            raise TookTooLongError(f"it took longer than {seconds:g} s")
        if not select.select([reader], [], [], min(left, POLL_SECONDS))[0]:
            continue
        part = os.read(reader.fileno(), min(size - len(data), 65536))
        if not part:
            raise ProcessEndedError("its process ended")
        data += part
    return data


def _end(process: Any) -> None:
    """Kill the process, and what it has started, and forget it."""
    if process.pid is None:
        return
    for kill in (os.killpg, os.kill):  # it may not be the leader of a group yet
        with suppress(ProcessLookupError, PermissionError):
            kill(process.pid, signal.SIGKILL)
    process.join(5)
    with _starting, suppress(ValueError):
        process.close()


def _work(writer: Connection, function: str, arguments: tuple[Any, ...], bounds: Bounds) -> None:
    """The process: call the function, write its answer, end."""
    os.setsid()
    from jobs.contained_preload import forget_connections

    forget_connections()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.alarm(START_SECONDS.__ceil__())
    from django.utils.module_loading import import_string

    act = import_string(function)
    _limit(bounds)
    os.write(writer.fileno(), _READY)
    try:
        answer = json.dumps(act(*arguments)).encode()
    except BaseException:
        logger.exception("contained_code_failed", function=function)
        os._exit(1)
    _write(writer, _LENGTH.pack(len(answer)))
    _write(writer, answer if len(answer) <= bounds.answer_bytes else b"")
    os._exit(0)


def _limit(bounds: Bounds) -> None:
    """From now on the kernel keeps the time, by the clock and by the processor, and the memory."""
    longest = bounds.seconds.__ceil__() + ALARM_AFTER_SECONDS
    signal.alarm(longest)
    used = psutil.Process().memory_info().vms
    with suppress(ValueError, OSError):  # not on every system
        resource.setrlimit(resource.RLIMIT_CPU, (longest, longest))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (used + bounds.memory_bytes, used + bounds.memory_bytes))


def _write(writer: Connection, data: bytes) -> None:
    while data:
        data = data[os.write(writer.fileno(), data) :]
