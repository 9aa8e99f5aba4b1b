"""The data folder ($LONGHAUL_DATA) and the locks that say who is using it.

    launcher.lock   held exclusively by the one launcher; its text is "PID PORT"
    services.lock   shared by every running service (web, workers, Beat)
    servers.lock    shared by every running embedded server

All are POSIX record locks: the kernel drops them with the process that held them, and a forked
child holds none. They are also dropped when their process closes *any* descriptor of the file, so
nothing in the launcher opens `launcher.lock` a second time.
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
    """The stack cannot run; the text is the one line that the person reads."""


@dataclass(frozen=True)
class Running:
    """What the lock file says about a launcher."""

    pid: int
    port: int

    def is_alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


class DataFolder:
    """A folder with everything that the stack keeps: servers, artifacts, secrets, logs."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.launcher_lock = self.path / "launcher.lock"
        self.services_lock = self.path / "services.lock"
        self.servers_lock = self.path / "servers.lock"
        self.env_file = self.path / "embedded.env"
        self.logs = self.path / "logs"
        self._lock: IO[str] | None = None

    @classmethod
    def from_environment(cls) -> "DataFolder":
        return cls(Path(os.environ.get("LONGHAUL_DATA") or BASE_DIR / ".data"))

    def create(self) -> None:
        """Make the folder, private to its owner, if it is missing. Errors: LaunchError."""
        try:
            is_new = not self.path.exists()
            self.logs.mkdir(parents=True, exist_ok=True)
            self.logs.chmod(0o700)
            if is_new or self.launcher_lock.exists():
                self.keep_private()
        except OSError as error:
            raise LaunchError(f"cannot write to the data folder {self.path}: {error.strerror}") from error

    def keep_private(self) -> None:
        """Only its owner may look into the folder. A folder that is shared, such as /tmp, is left as it is.

        As root, PostgreSQL runs as another user, who must be able to pass through the folder, but not to list it.
        """
        status = self.path.stat()
        if status.st_uid == os.geteuid() and not status.st_mode & stat.S_ISVTX:
            self.path.chmod(0o711 if os.geteuid() == 0 else 0o700)

    def open_log(self, name: str) -> IO[bytes]:
        """The log of a program, emptied, which only its owner can read: whatever a program writes may hold secrets."""
        log = os.open(self.logs / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.fchmod(log, 0o600)  # an earlier version made it for all to read
        return os.fdopen(log, "wb")

    def tethered(self, options: Sequence[str], command: Sequence[str]) -> list[str]:
        """The command line that runs `command` for as long as the launcher of this folder lives."""
        tether = [sys.executable, "-P", "-S", str(TETHER), "--follow", str(self.launcher_lock)]
        return [*tether, *options, "--", *command]

    def running(self) -> Running | None:
        """The launcher that has this folder, if there is one. Never call it from that launcher."""
        try:
            pid, port = self.launcher_lock.read_text().split()
            running = Running(int(pid), int(port))
        except (OSError, ValueError):
            return None
        return running if running.is_alive() and not is_free(self.launcher_lock) else None

    def claim(self, *, port: int) -> None:
        """Become the launcher of this folder.

        A launcher that was killed leaves services that are still stopping: those are waited for.

        Errors: LaunchError when another launcher is alive, or an earlier run does not end.
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
            lock = self.launcher_lock.open("a+")  # open for as long as we run
        except OSError as error:
            raise LaunchError(f"cannot write to the data folder {self.path}: {error.strerror}") from error
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return False
        # Between a launcher's death and its services' noticing, the lock can be free for a moment.
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
    """Write a file that only its owner can read, whole or not at all."""
    partial = path.with_name(path.name + ".new")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.replace(path)
