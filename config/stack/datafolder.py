"""The data folder ($LONGHAUL_DATA) and the locks that show who uses it.

    launcher.lock   held exclusively by the one launcher; its text is "PID PORT"
    services.lock   shared by every running service (web, workers, Beat)
    servers.lock    shared by every running embedded server

All are POSIX record locks: the kernel releases them when the process that holds them ends, and a forked child does not
inherit them. They are also released when the process closes *any* descriptor of the file, so nothing in the launcher
opens `launcher.lock` a second time.
"""

import fcntl
import os
import stat
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

BASE_DIR: Final = Path(__file__).resolve().parents[2]
TETHER: Final = Path(__file__).with_name("tether.py")
EARLIER_RUN_SECONDS: Final = 90.0  # longer than the longest grace of a service


class LaunchError(Exception):
    """The stack cannot run. The text is the one line that the user sees."""


@dataclass(frozen=True)
class Running:
    """The launcher that the lock file names."""

    pid: int
    port: int

    def is_alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True  # another user's process
        return True


class DataFolder:
    """A folder with all data of the stack: servers, artifacts, secrets, logs."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.launcher_lock = self.path / "launcher.lock"
        self.services_lock = self.path / "services.lock"
        self.servers_lock = self.path / "servers.lock"
        self.env_file = self.path / "embedded.env"
        self.logs = self.path / "logs"
        self.static_files = self.path / "static"
        self._lock: IO[str] | None = None

    @classmethod
    def from_environment(cls) -> "DataFolder":
        return cls(Path(os.environ.get("LONGHAUL_DATA") or BASE_DIR / ".data"))

    def create(self) -> None:
        """Create the folder, private to its owner, if it is missing. Raises LaunchError."""
        try:
            is_new = not self.path.exists()
            self.logs.mkdir(parents=True, exist_ok=True)
            self.logs.chmod(0o700)
            if is_new or self.launcher_lock.exists():
                self.keep_private()
        except OSError as error:
            raise LaunchError(f"cannot write to the data folder {self.path}: {error.strerror}") from error

    def keep_private(self) -> None:
        """Let only the owner look into the folder. A shared folder, such as /tmp, is left unchanged.

        For root, PostgreSQL runs as another user, who must be able to pass through the folder but not to list it.
        """
        status = self.path.stat()
        if status.st_uid == os.geteuid() and not status.st_mode & stat.S_ISVTX:
            self.path.chmod(0o711 if os.geteuid() == 0 else 0o700)

    def open_log(self, name: str) -> IO[bytes]:
        """Empty and open a program's log. Only its owner can read it, because output may contain secrets."""
        log = os.open(self.logs / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.fchmod(log, 0o600)  # an earlier version let everybody read it
        return os.fdopen(log, "wb")

    def tethered(self, options: Sequence[str], command: Sequence[str]) -> list[str]:
        """The command line that runs `command` for as long as the launcher of this folder lives."""
        tether = [sys.executable, "-P", "-S", str(TETHER), "--follow", str(self.launcher_lock)]
        return [*tether, *options, "--", *command]

    def running(self) -> Running | None:
        """The launcher that holds this folder, if any. That launcher itself must never call this."""
        try:
            pid, port = self.launcher_lock.read_text().split()
            running = Running(int(pid), int(port))
        except (OSError, ValueError):
            return None
        return running if running.is_alive() and not is_free(self.launcher_lock) else None

    def claim(self, *, port: int) -> None:
        """Become the launcher of this folder. If an earlier one was killed, wait until its services have stopped.

        Raises LaunchError if another launcher is alive, or an earlier run does not end.
        """
        self.create()
        deadline = time.monotonic() + EARLIER_RUN_SECONDS
        told = False
        while not self._try_claim(port):
            if running := self.running():
                raise LaunchError(
                    f"already running on {self.path} (process {running.pid}, port {running.port}); "
                    "stop it, or set LONGHAUL_DATA to another folder"
                )
            if time.monotonic() > deadline:
                raise LaunchError(f"an earlier run on {self.path} does not stop")
            if not told:
                sys.stderr.write("Waiting for an earlier run to stop.\n")
                told = True
            time.sleep(0.2)

    def release(self) -> None:
        if self._lock is not None:
            self._lock.truncate(0)
            self._lock.close()
            self._lock = None

    def _try_claim(self, port: int) -> bool:
        try:
            lock = self.launcher_lock.open("a+")  # stays open for as long as this process runs
        except OSError as error:
            raise LaunchError(f"cannot write to the data folder {self.path}: {error.strerror}") from error
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return False
        # The lock is free between the death of a launcher and the moment when its services notice it.
        if not (is_free(self.services_lock) and is_free(self.servers_lock)):
            lock.close()
            return False
        lock.truncate(0)
        lock.write(f"{os.getpid()} {port}\n")
        lock.flush()
        self._lock = lock
        return True


def is_free(path: Path) -> bool:
    """Whether no other process holds a lock on the file."""
    with path.open("a+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read. It is written completely or not at all."""
    partial = path.with_name(path.name + ".new")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.replace(path)
