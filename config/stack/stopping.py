"""How the launcher and the demo are stopped, and how they print lines meanwhile."""

import contextlib
import os
import signal
import sys
import threading
import time
from types import FrameType


def say(line: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone, and stopping must go on
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def follow_parent() -> None:
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def stop_on_signals() -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
