"""Ties a program to the launcher: it ends when it is told to, and when the launcher is gone.

A crashed launcher (SIGKILL) can stop nothing, so whatever it started must notice by itself. The
launcher holds an exclusive POSIX record lock for as long as it lives; this wrapper waits for the
same lock in a thread, and getting it means that the launcher is dead. The kernel drops such a lock
with its process, and a fork does not inherit it, so there is nothing to clean up and nothing to poll.

    python -P -S config/stack/tether.py [options] -- program argument ...

      --follow FILE     stop when this lock becomes free (the launcher's)
      --hold FILE       hold a shared lock on this file for as long as the program may be running
      --after FILE      stop only once nobody holds this file (servers stop after their clients)
      --grace SECONDS   between asking the program to stop and killing its whole process group
      --signal NAME     how to ask: TERM (default), INT
      --user UID --group GID   run the program as this user (PostgreSQL refuses to run as root)
      --restart         start the program again when it ends unasked after it ran well
      --restarts NUMBER how often in a row, without running well in between (5)
      --keep            start the program again however often it ends unasked, and wait longer each time
      --first-delay SECONDS, --longest-delay SECONDS
                        with --keep: before the first new start (1), doubled for each further one up to this (30)
      --delete FOLDER   remove this folder at the end (throw-away servers)

It imports the standard library only and runs without `site`: there is one of these per service.
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
#: A kept program that ran for this long did not end for the reason that it ended for before.
KEPT_RAN_WELL_AFTER_SECONDS: Final = 60.0

Event = Literal["stop", "ended"]


def wait_for_lock(path: str, kind: int) -> IO[str]:
    """Block until this process has the lock; closing the file, or ending, gives it back."""
    file = Path(path).open("a+")  # noqa: SIM115 - it stays open as long as the lock is wanted
    fcntl.lockf(file, kind)
    return file


class Tether:
    """One program, its process group, and the reasons to end it."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def run(self) -> int:
        """Run the program to its end; returns its exit code (128 + signal when killed)."""
        self._hear_signals()
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

    def _hear_signals(self) -> None:
        """Turn SIGTERM and SIGINT into an event, by a pipe that the interpreter writes to at once.

        A handler in Python would only run once the main thread runs again, and a signal that comes just before
        that thread blocks does not wake it (https://docs.python.org/3/library/signal.html#signal.set_wakeup_fd).
        """
        heard, told = os.pipe()
        os.set_blocking(told, False)
        signal.set_wakeup_fd(told)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)

        def pass_on() -> None:
            while os.read(heard, 1):
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
            line = f"ended with exit code {code}{again}; starting it again in {delay:g} s"
            print(line, file=sys.stderr, flush=True)
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
        """Seconds before the next start. A program that keeps ending is to leave the processor to the others."""
        if not self.options.keep:
            return RESTART_DELAY_SECONDS
        doubled = self.options.first_delay * 2 ** min(restarts - 1, 30)
        return float(min(doubled, self.options.longest_delay))

    def _start(self) -> "subprocess.Popen[bytes]":
        """Start the program in a process group of its own; its end becomes an event."""
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
        """Ask the main process alone (a worker's pool must not be hit), wait, then kill the group."""
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
    """End whatever is left of a program that has ended, or does not end: a pool without its master."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def exit_code(returncode: int) -> int:
    """Turn a `Popen.returncode` into what a shell would say: killed by signal 9 is 137."""
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
