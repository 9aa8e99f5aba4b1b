"""`make up`: one launcher for each data folder, one line for each mistake, and no orphans."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config.stack.launcher import error_line
from config.stack.probing import answers, free_port
from config.stack.tether import RAN_WELL_AFTER_SECONDS
from tests.support.processes import launch, processes_of
from tests.support.waiting import wait_until


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "data"
    yield path
    for process in processes_of(path):
        process.kill()


def launch_and_read(data: Path, **environment: str) -> tuple[int, list[str]]:
    launcher = launch("config.stack.launcher", data, **environment)
    output, _ = launcher.communicate(timeout=60)
    return launcher.returncode, output.splitlines()


def start_stack(data: Path) -> tuple["subprocess.Popen[str]", int]:
    """A whole stack that answers."""
    port = free_port()
    launcher = launch("config.stack.launcher", data, PORT=str(port), SALES_LINES="100", WORKER_CONCURRENCY="1")

    def is_up() -> bool:
        if launcher.poll() is not None:
            pytest.fail(f"the launcher ended: {launcher.communicate()[0]}")
        return answers(f"http://127.0.0.1:{port}/readyz")

    wait_until(is_up, timeout=90, message="the stack answers")
    return launcher, port


def beats(data: Path) -> list[psutil.Process]:
    """Beat's process on this folder, without its tether."""
    return [p for p in processes_of(data) if "beat" in p.info["cmdline"] and "--follow" not in p.info["cmdline"]]


def test_a_stack_heals_a_killed_service_refuses_a_second_launcher_and_ends_with_a_killed_one(data: Path) -> None:
    launcher, port = start_stack(data)

    # The remote API of the example runs beside it, and manage.py knows where.
    assert f"EXAMPLE_RATES_URL=http://127.0.0.1:{port + 10}\n" in (data / "embedded.env").read_text()
    wait_until(lambda: answers(f"http://127.0.0.1:{port + 10}/counts"), message="the example's API answers")

    # A second launcher on the same folder is refused.
    code, lines = launch_and_read(data, PORT=str(free_port()))
    assert code == 1
    assert len(lines) == 1
    assert f"already running on {data} (process {launcher.pid}, port " in lines[0]

    # A killed service comes back by itself.
    [beat] = wait_until(lambda: beats(data), message="Beat starts")
    seen = time.monotonic()  # psutil's create_time() is off by up to a second, and the clock may be set
    wait_until(lambda: time.monotonic() - seen > RAN_WELL_AFTER_SECONDS, message="Beat ran well")
    beat.kill()
    wait_until(lambda: [process for process in beats(data) if process.pid != beat.pid], message="Beat comes back")

    os.kill(launcher.pid, signal.SIGKILL)
    launcher.wait()
    wait_until(lambda: processes_of(data) == [], timeout=60, message="nothing of the stack is left")


def test_a_port_that_is_taken_is_one_line(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert launch_and_read(data, PORT=str(port)) == (
            1,
            [f"longhaul: port {port} is in use: free it, or choose another one, as in `make up PORT=8001`"],
        )


def test_a_port_that_is_none_is_one_line(data: Path) -> None:
    assert launch_and_read(data, PORT="http") == (1, ["longhaul: PORT is 'http', but must be a number from 1 to 65535"])


def test_a_data_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, lines = launch_and_read(tmp_path / "file" / "data", PORT=str(free_port()))
    assert (code, len(lines)) == (1, 1)
    assert "cannot write to the data folder" in lines[0]


def test_an_external_database_without_a_secret_key_is_the_settings_own_line(data: Path) -> None:
    external = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}
    code, lines = launch_and_read(data, PORT=str(free_port()), **external)
    assert code == 1
    assert "Set the SECRET_KEY environment variable" in lines[-1]
    assert not (data / "postgres").exists()


def test_sigterm_stops_an_unfinished_start_without_leftovers(data: Path) -> None:
    launcher = launch("config.stack.launcher", data, PORT=str(free_port()))
    wait_until((data / "embedded.env").exists, message="the servers run")
    launcher.terminate()
    launcher.communicate(timeout=60)
    assert launcher.returncode == 128 + signal.SIGTERM
    assert [p for p in processes_of(data) if p.status() != psutil.STATUS_ZOMBIE] == []


def test_the_error_line_is_the_one_that_names_the_error() -> None:
    traceback = 'Traceback (most recent call last):\n  File "x", line 1\ndjango.db.OperationalError: no\n\thint\n'
    assert error_line(traceback) == "django.db.OperationalError: no"
    assert error_line("CommandError: No such user\n") == "CommandError: No such user"
    assert error_line("") == "no output"
