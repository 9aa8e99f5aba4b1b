"""`make demo`: one report from order to file, through the real HTTP API of the real stack.

It starts what `make up` starts, or uses a stack that is running, orders `yearly-sales` for 2023, polls, downloads the
file and verifies it, shows the first lines, and stops what it started. `make demo ARGS=call` orders a call instead.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from config.stack.datafolder import BASE_DIR, DataFolder, LaunchError
from config.stack.demo_call import fetch_call
from config.stack.demo_client import Client, Download
from config.stack.launcher import DEFAULT_PORT, error_line
from config.stack.probing import answers, can_bind, free_port
from config.stack.stopping import follow_parent, ignore_signals, say, stop_on_signals

DEADLINE_SECONDS: Final = 900.0
STOP_SECONDS: Final = 120.0
REPORT_TYPE: Final = "yearly-sales"
YEAR: Final = "2023"
HEAD_LINES: Final = 6


def choose_port() -> str:
    """PORT from the environment, else the default port, else any free one."""
    if port := os.environ.get("PORT"):
        return port
    return str(DEFAULT_PORT if can_bind(DEFAULT_PORT) else free_port())


@contextmanager
def running_stack(folder: DataFolder, *, deadline: float) -> Iterator[str]:
    """The address of a stack that answers: one that is already running, or one that runs until the block ends."""
    if running := folder.running():
        say(f"Using the Longhaul that is already running (process {running.pid}).")
        yield f"http://127.0.0.1:{running.port}"
        return
    folder.create()
    port = choose_port()
    log = folder.logs / "demo.log"
    with folder.open_log("demo") as output:
        launcher = subprocess.Popen(
            [sys.executable, "-m", "config.stack.launcher", "--follow-parent"],
            cwd=BASE_DIR,
            env={**os.environ, "PORT": port, "LONGHAUL_DATA": str(folder.path)},
            stdin=subprocess.DEVNULL,
            stdout=output,  # standard error stays ours: it shows steps and errors
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        while not answers(f"{address}/readyz"):
            if launcher.poll() is not None:
                raise LaunchError(f"the stack did not start; the line above says why (log: {log})")
            if time.monotonic() > deadline:
                raise LaunchError(f"{address}/readyz does not respond (log: {log})")
            time.sleep(0.2)
        yield address
    finally:
        stop(launcher)


def stop(launcher: "subprocess.Popen[bytes]") -> None:
    """Stop the stack. A launcher that does not stop is killed, and its tethers then end the rest."""
    ignore_signals()
    launcher.terminate()
    try:
        launcher.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        launcher.kill()
        launcher.wait()


def create_token(folder: DataFolder) -> str:
    """A bearer token for the demo account, created as an operator would."""
    result = subprocess.run(
        [sys.executable, str(BASE_DIR / "manage.py"), "create_token", "demo"],
        env={**os.environ, "LONGHAUL_DATA": str(folder.path)},
        capture_output=True,
        text=True,
    )
    if result.returncode or not result.stdout.strip():
        raise LaunchError(f"manage.py create_token demo failed: {error_line(result.stderr)}")
    return result.stdout.split()[-1]


def fetch_report(client: Client, folder: DataFolder, *, deadline: float) -> Download:
    """Order a report, poll until it ends, and return the downloaded file after verifying it against the status."""
    say(f"POST /api/reports {REPORT_TYPE} {YEAR}")
    order = client.order("/api/reports", {"reportType": REPORT_TYPE, "parameters": {"year": YEAR}})
    location = order.headers["location"]
    say(f"202 Accepted, Location: {location}")
    status = order.body
    for status in client.poll(location, deadline=deadline):
        say(progress_line(status))
    if status.get("status") != "Complete":
        raise LaunchError(f"the report ended as {status.get('status')!r}: {status.get('error')}")
    target = folder.path / "demo" / f"{REPORT_TYPE}-{YEAR}.csv"
    download = client.download(status["reportURL"], target)
    download.verify(status)
    say(f"Verified: {download.size_bytes} bytes, {status['rowCount']} rows, SHA-256 {download.sha256}")
    return download


def progress_line(status: dict[str, object]) -> str:
    known = {"progress": "%", "rowsProcessed": "rows", "estimatedTimeRemaining": "to go"}
    details = [f"{status[name]} {unit}" for name, unit in known.items() if status.get(name) is not None]
    return ", ".join([f"  {status.get('status')}", *details])


def run(folder: DataFolder, *, kind: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    with running_stack(folder, deadline=deadline) as address:
        client = Client(address, create_token(folder))
        if kind == "call":
            print(fetch_call(client, deadline=deadline), flush=True)
            return
        download = fetch_report(client, folder, deadline=deadline)
        print("\n".join(download.head(HEAD_LINES)))
        print(f"The whole file: {download.path}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo ARGS=…", add_help=False)
    parser.add_argument("kind", nargs="?", choices=["report", "call"], default="report")
    parser.add_argument("--follow-parent", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    stop_on_signals()
    if given.follow_parent:
        follow_parent()
    try:
        run(DataFolder.from_environment(), kind=given.kind)
    except LaunchError as error:
        say(f"demo: {error}")
        return 1
    return 0


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main())
