"""The tether: what ends a program, in which order, and what does not."""

import fcntl
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from config.stack.datafolder import TETHER
from tests.support.waiting import wait_until

STUBBORN = """
import signal, sys, subprocess
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("ready", child.pid, flush=True)
while signal.sigwait({signal.SIGTERM}):
    print("asked", flush=True)
"""
GENTLE = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print("ready", flush=True)
signal.sigwait({signal.SIGTERM})
sys.exit(7)
"""


class Tethered:
    """A tether with a Python program on it, and what the program wrote."""

    def __init__(self, code: str, *options: str, stderr: int | None = None) -> None:
        command = [sys.executable, "-P", "-S", str(TETHER), *options, "--", sys.executable, "-c", code]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stderr, text=True, start_new_session=True
        )

    def read(self) -> str:
        assert self.process.stdout is not None
        return str(self.process.stdout.readline()).strip()


@pytest.fixture
def locks(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # ZombieProcess is one
            if str(tmp_path) in str(process.cmdline()):
                process.kill()


def hold(path: Path) -> "subprocess.Popen[str]":
    """A process that holds a lock exclusively until it is killed, like a launcher."""
    code = f"import fcntl, time; f = open({str(path)!r}, 'a+'); fcntl.lockf(f, fcntl.LOCK_EX); print(flush=True)"
    holder = subprocess.Popen([sys.executable, "-c", f"{code}; time.sleep(600)"], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    holder.stdout.readline()
    return holder


def test_the_programs_exit_code_is_the_tethers() -> None:
    assert Tethered("raise SystemExit(3)").process.wait(10) == 3
    assert Tethered("import os; os.kill(os.getpid(), 9)").process.wait(10) == 137


def test_sigterm_reaches_the_program_and_its_exit_code_comes_back() -> None:
    tethered = Tethered(GENTLE)
    assert tethered.read() == "ready"
    tethered.process.send_signal(signal.SIGTERM)
    assert tethered.process.wait(10) == 7


def test_a_program_that_does_not_stop_is_killed_with_all_its_children() -> None:
    tethered = Tethered(STUBBORN, "--grace", "0.3")
    child = psutil.Process(int(tethered.read().split()[1]))
    tethered.process.terminate()
    assert tethered.read() == "asked"
    assert tethered.process.wait(10) == 137
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, message="the child ends")


def test_the_program_ends_when_the_holder_of_the_lock_is_killed(locks: Path) -> None:
    holder = hold(locks / "launcher.lock")
    tethered = Tethered(GENTLE, "--follow", str(locks / "launcher.lock"))
    assert tethered.read() == "ready"
    holder.kill()
    holder.wait()
    assert tethered.process.wait(10) == 7


def test_a_server_stops_only_when_no_service_is_left(locks: Path) -> None:
    lock = str(locks / "services.lock")
    service = Tethered(GENTLE, "--hold", lock)
    assert service.read() == "ready"
    server = Tethered(GENTLE, "--after", lock)
    assert server.read() == "ready"
    server.process.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        server.process.wait(0.5)
    service.process.terminate()
    assert service.process.wait(10) == 7
    assert server.process.wait(10) == 7


def test_the_lock_is_held_for_as_long_as_the_program_runs(locks: Path) -> None:
    path = locks / "services.lock"
    service = Tethered(GENTLE, "--hold", str(path))
    assert service.read() == "ready"
    with path.open("a+") as file, pytest.raises(BlockingIOError):
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    service.process.terminate()
    service.process.wait(10)
    with path.open("a+") as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_program_that_fails_at_once_is_not_started_again() -> None:
    tethered = Tethered("print('started'); raise SystemExit(1)", "--restart")
    output, _ = tethered.process.communicate(timeout=10)
    assert (tethered.process.returncode, output) == (1, "started\n")


def test_a_kept_program_is_started_again_however_often_it_ends_and_each_time_later(tmp_path: Path) -> None:
    """It waits 0.1, 0.2, 0.4, 0.4 … seconds between two starts here, and says so."""
    starts = tmp_path / "starts"
    code = f"open({str(starts)!r}, 'a').write('x'); raise SystemExit(3)"
    delays = ("--keep", "--first-delay", "0.1", "--longest-delay", "0.4")
    tethered = Tethered(code, *delays, stderr=subprocess.PIPE)
    wait_until(lambda: starts.exists() and len(starts.read_text()) >= 5, message="it was started five times")
    tethered.process.terminate()  # heard while it waits, too
    _, errors = tethered.process.communicate(timeout=10)
    assert errors.splitlines()[:4] == [
        "ended with exit code 3; restarting it in 0.1 s",
        "ended with exit code 3, 2 times in a row; restarting it in 0.2 s",
        "ended with exit code 3, 3 times in a row; restarting it in 0.4 s",
        "ended with exit code 3, 4 times in a row; restarting it in 0.4 s",
    ]


def test_a_missing_program_is_one_line() -> None:
    command = [sys.executable, "-P", "-S", str(TETHER), "--", "/no/such/program"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == "tether: [Errno 2] No such file or directory: '/no/such/program'\n"
