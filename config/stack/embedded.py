"""The embedded servers: PostgreSQL and Valkey from wheels, for a machine that has neither.

One runs if its variable, `DATABASE_URL` or `REDIS_URL`, is unset. The wheels are the dependency group `embedded`, which
production does not install, and nothing in production imports this module. The process that starts the servers (the
launcher or a test run) holds the data folder's lock. Each server runs under a tether that follows this lock, so no
crash leaves one behind. While they run, `embedded.env` tells other processes, such as `manage.py`, where they are.
"""

import secrets
import subprocess
from pathlib import Path
from typing import Final

from config.stack.datafolder import DataFolder, write_private
from config.stack.embedded_postgres import READER, EmbeddedPostgres
from config.stack.embedded_valkey import EmbeddedValkey

POSTGRES_GRACE_SECONDS: Final = 60
VALKEY_GRACE_SECONDS: Final = 20


class EmbeddedServers:
    """The servers of one data folder, which this process must have claimed."""

    def __init__(
        self,
        folder: DataFolder,
        *,
        postgres: bool = True,
        valkey: bool = True,
        durable: bool = True,
        delete: bool = False,
    ) -> None:
        """Without `durable`, a crash of the machine may lose data. With `delete`, the folder is deleted at the end."""
        self.folder = folder
        self.delete = delete
        self.postgres = EmbeddedPostgres(folder.path / "postgres", log=folder.logs / "postgres.log", durable=durable)
        self.valkey = EmbeddedValkey(folder.path / "valkey", log=folder.logs / "valkey.log", durable=durable)
        self.wants_postgres = postgres
        self.wants_valkey = valkey
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.stopping = False
        self.failed = ""  # the server that ended for good although nobody stopped it

    def start(self) -> dict[str, str]:
        """Start the wanted servers, and return their environment variables, which `embedded.env` gets, too.

        Raises LaunchError after stopping what was started.
        """
        try:
            if self.wants_valkey:
                self.valkey.prepare()
                self._run("Valkey", self._valkey_tether())
            if self.wants_postgres:
                self.postgres.prepare()
                self._run("PostgreSQL", self._postgres_tether())
            environment = {"SECRET_KEY": self._secret_key()}
            if self.wants_valkey:
                self.valkey.wait_until_ready(lambda: self.is_running("Valkey"))
                environment["REDIS_URL"] = self.valkey.url()
            if self.wants_postgres:
                self.postgres.wait_until_ready(lambda: self.is_running("PostgreSQL"))
                environment["DATABASE_URL"] = self.postgres.url()
                environment["REPORTS_DATABASE_URL"] = f"postgresql://{READER}@"
                self.folder.keep_private()  # the wheel opens it for PostgreSQL's user
        except BaseException:
            self.stop()
            raise
        write_private(self.folder.env_file, "".join(f"{name}={value}\n" for name, value in environment.items()))
        return environment

    def is_running(self, name: str) -> bool:
        return self.processes[name].poll() is None

    def stop(self) -> None:
        """Stop the servers. Their tethers first wait for all services of this folder to end."""
        self.stopping = True
        self.folder.env_file.unlink(missing_ok=True)
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait()
        self.processes.clear()
        self.postgres.discard_socket()

    def _run(self, name: str, command: list[str]) -> None:
        log = {"PostgreSQL": self.postgres.log, "Valkey": self.valkey.log}[name]
        with self.folder.open_log(log.stem) as output:
            # A new session, so that Ctrl-C in the terminal reaches only the launcher.
            self.processes[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )

    def _postgres_tether(self) -> list[str]:
        options = [*self._common_options(POSTGRES_GRACE_SECONDS), "--signal", "INT"]
        if owner := self.postgres.owner():
            options += ["--user", str(owner[0]), "--group", str(owner[1])]
        if self.delete:
            options += ["--after", str(self._valkey_lock()), "--delete", str(self.folder.path)]
        return self.folder.tethered(options, self.postgres.command())

    def _valkey_tether(self) -> list[str]:
        options = [*self._common_options(VALKEY_GRACE_SECONDS), "--hold", str(self._valkey_lock())]
        return self.folder.tethered(options, self.valkey.command())

    def _common_options(self, grace: int) -> list[str]:
        """Stop after the services, and restart after a crash; temporary servers as often as tests kill them."""
        hold, after = str(self.folder.servers_lock), str(self.folder.services_lock)
        restarts = ["--restarts", "1000"] if self.delete else []
        return ["--restart", *restarts, "--grace", str(grace), "--hold", hold, "--after", after]

    def _valkey_lock(self) -> Path:
        return self.folder.path / "valkey.lock"

    def _secret_key(self) -> str:
        """Created once and kept, so that sessions and signed links survive a restart."""
        file = self.folder.path / "secret_key"
        if not file.exists():
            write_private(file, secrets.token_urlsafe(50))
        return file.read_text()
