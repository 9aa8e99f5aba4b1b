"""Ties a program to the launcher: it ends on a signal, and when the launcher is gone.

A launcher that was killed (SIGKILL) cannot stop what it started, so that must notice by itself. The launcher holds an
exclusive POSIX record lock for as long as it lives. This wrapper waits for the same lock in a thread; when it gets the
lock, the launcher is dead. The kernel releases such a lock when its process ends, and a fork does not inherit it, so
nothing needs to be cleaned up or polled.

    python -P -S config/stack/tether.py [options] -- program argument ...

      --follow FILE     stop when this lock becomes free (the launcher's)
      --hold FILE       hold a shared lock on this file for as long as the program may be running
      --after FILE      stop only when nobody holds this file (servers stop after their clients)
      --grace SECONDS   how long the program may take to stop before its whole process group is killed
      --signal NAME     the signal that stops the program: TERM (default), INT
      --user UID --group GID   run the program as this user (PostgreSQL refuses to run as root)
      --restart         restart the program if it ends by itself after it ran well
      --restarts NUMBER how often in a row, without running well in between (5)
      --keep            restart the program however often it ends by itself, with increasing delays
      --first-delay SECONDS, --longest-delay SECONDS
                        with --keep: the delay before the first restart (1), doubled for each further one, and its
                        maximum (30)
      --delete FOLDER   delete this folder at the end (temporary servers)

It imports only the standard library and runs without `site`, because there is one per service.
"""

import argparse
import contextlib
import fcntl
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any, Final, Literal

RAN_WELL_AFTER_SECONDS: Final = 5.0
RESTART_DELAY_SECONDS: Final = 1.0
#: With --keep, a program that ran for this long counts as repaired: its delays start over.
KEPT_RAN_WELL_AFTER_SECONDS: Final = 60.0

Event = Literal["stop", "ended"]


def wait_for_lock(path: str, kind: int) -> IO[str]:
    """Block until this process has the lock. Closing the file or ending the process releases it."""
    file = Path(path).open("a+")  # noqa: SIM115 - it stays open for as long as the lock is held
    fcntl.lockf(file, kind)
    return file


class Tether:
    """One program, its process group, and the events that end it."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def run(self) -> int:
        """Run the program to its end. Returns its exit code (128 + signal if it was killed)."""
        self._receive_signals()
        locks = [wait_for_lock(path, fcntl.LOCK_SH) for path in self.options.hold]
        if self.options.follow:
            threading.Thread(target=self._follow, daemon=True).start()
        try:
            return self._run_until_stopped()
        finally:
            if self.options.delete:
                shutil.rmtree(self.options.delete, ignore_errors=True)
            for lock in locks:
                lock.close()

    def _receive_signals(self) -> None:
        """Turn SIGTERM and SIGINT into an event, through a pipe that the interpreter writes to immediately.

        A handler in Python runs only when the main thread runs again, and a signal that arrives just before that
        thread blocks does not wake it (https://docs.python.org/3/library/signal.html#signal.set_wakeup_fd).
        """
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)

        def pass_on() -> None:
            while os.read(reading, 1):
                self.events.put("stop")

        threading.Thread(target=pass_on, daemon=True).start()

    def _follow(self) -> None:
        self.lock = wait_for_lock(self.options.follow, fcntl.LOCK_SH)
        self.events.put("stop")

    def _run_until_stopped(self) -> int:
        ran_well = False
        restarts = 0
        while True:
            started = time.monotonic()
            child = self._start()
            if self.events.get() == "stop":
                return self._stop(child)
            code = exit_code(child.wait())
            kill_group(child)
            if time.monotonic() - started >= self._ran_well_after():
                ran_well, restarts = True, 0
            restarts += 1
            if not self._may_restart(ran_well, restarts):
                return code
            delay = self._delay(restarts)
            again = f", {restarts} times in a row" if restarts > 1 else ""
            print(f"ended with exit code {code}{again}; restarting it in {delay:g} s", file=sys.stderr, flush=True)
            with contextlib.suppress(queue.Empty):
                self.events.get(timeout=delay)  # only "stop" can come now
                return code

    def _ran_well_after(self) -> float:
        return KEPT_RAN_WELL_AFTER_SECONDS if self.options.keep else RAN_WELL_AFTER_SECONDS

    def _may_restart(self, ran_well: bool, restarts: int) -> bool:
        if self.options.keep:
            return True
        return bool(self.options.restart and ran_well and restarts <= self.options.restarts)

    def _delay(self, restarts: int) -> float:
        """Seconds before the next start. A program that keeps ending must leave the processor to the others."""
        if not self.options.keep:
            return RESTART_DELAY_SECONDS
        doubled = self.options.first_delay * 2 ** min(restarts - 1, 30)
        return float(min(doubled, self.options.longest_delay))

    def _start(self) -> "subprocess.Popen[bytes]":
        """Start the program in a new process group. Its end becomes an event."""
        child = subprocess.Popen(self.options.command, process_group=0, **self._identity())

        def report_end() -> None:
            child.wait()
            self.events.put("ended")

        threading.Thread(target=report_end, daemon=True).start()
        return child

    def _identity(self) -> dict[str, Any]:
        if self.options.user is None:
            return {}
        return {"user": self.options.user, "group": self.options.group, "extra_groups": []}

    def _stop(self, child: "subprocess.Popen[bytes]") -> int:
        """Signal only the main process, because a worker's pool must not get it; wait, then kill the group."""
        try:
            for path in self.options.after:
                wait_for_lock(path, fcntl.LOCK_EX).close()
            child.send_signal(signal.Signals[f"SIG{self.options.signal}"])
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(self.options.grace)
        finally:
            kill_group(child)
        return exit_code(child.wait())


def kill_group(child: "subprocess.Popen[bytes]") -> None:
    """Kill what is left of a program that has ended or does not end, such as a pool without its master."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def exit_code(returncode: int) -> int:
    """A `Popen.returncode` as a shell shows it: 137 if signal 9 killed the program."""
    return 128 - returncode if returncode < 0 else returncode


def parse_options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tether", allow_abbrev=False)
    parser.add_argument("--follow")
    parser.add_argument("--hold", action="append", default=[])
    parser.add_argument("--after", action="append", default=[])
    parser.add_argument("--grace", type=float, default=10.0)
    parser.add_argument("--signal", choices=["TERM", "INT"], default="TERM")
    parser.add_argument("--user", type=int)
    parser.add_argument("--group", type=int)
    parser.add_argument("--restart", action="store_true")
    parser.add_argument("--restarts", type=int, default=5)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--first-delay", type=float, default=1.0)
    parser.add_argument("--longest-delay", type=float, default=30.0)
    parser.add_argument("--delete")
    parser.add_argument("command", nargs="+")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    try:
        sys.exit(Tether(parse_options(sys.argv[1:])).run())
    except OSError as error:
        sys.exit(f"tether: {error}")
