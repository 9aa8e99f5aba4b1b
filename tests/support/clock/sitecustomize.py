"""Put on PYTHONPATH, it sets the wall clock of a process wrong; it goes on ticking, and the monotonic clock is right.

CLOCK_OFF_BY_SECONDS says by how much, for as long as the process lives. Or CLOCK_FILE names a file that says it:
whoever writes another number there makes the clock jump, in processes that were forked from this one, too.
"""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import time_machine

#: How often the file is read. Seconds.
LOOK_SECONDS = 0.1


class JumpingClock:
    """The clock, and the thread that moves it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.off_by = 0.0
        self.coordinates = time_machine.travel(time.time(), tick=True).start()

    def start(self) -> None:
        threading.Thread(target=self.follow, name="jumping-clock", daemon=True).start()

    def follow(self) -> None:
        never = threading.Event()
        while not never.wait(LOOK_SECONDS):
            with suppress(OSError, ValueError):
                wanted = float(self.file.read_text())
                if wanted != self.off_by:
                    self.coordinates.shift(wanted - self.off_by)
                    self.off_by = wanted


if "CLOCK_FILE" in os.environ:
    clock = JumpingClock(Path(os.environ["CLOCK_FILE"]))
    clock.start()
    os.register_at_fork(after_in_child=clock.start)
else:
    time_machine.travel(time.time() + float(os.environ["CLOCK_OFF_BY_SECONDS"]), tick=True).start()
