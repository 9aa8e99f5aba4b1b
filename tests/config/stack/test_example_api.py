"""The remote API of the example, as a service of `make up`."""

import socket
from pathlib import Path

import pytest

from config.stack.datafolder import DataFolder
from config.stack.example_api import AFTER_WEB_PORT, VARIABLE, add_example
from config.stack.probing import free_port
from tests.support.remotes import Remote


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    """A folder whose servers run; the environment is as before afterwards."""
    monkeypatch.setenv(VARIABLE, "")
    folder = DataFolder(tmp_path)
    folder.env_file.write_text("SECRET_KEY=x\n")
    return folder


def port_of(command: list[str]) -> int:
    return int(command[command.index("--port") + 1])


def test_its_port_follows_from_that_of_the_web_server(folder: DataFolder) -> None:
    web_port = free_port() - AFTER_WEB_PORT
    service = add_example(folder, web_port=web_port)
    assert service.name == "example-api"
    assert port_of(service.command) == web_port + 10
    assert folder.env_file.read_text() == f"SECRET_KEY=x\n{VARIABLE}=http://127.0.0.1:{web_port + 10}\n"
    assert folder.env_file.stat().st_mode & 0o777 == 0o600


def test_another_one_is_taken_where_that_one_is_in_use(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        port = port_of(add_example(folder, web_port=taken - AFTER_WEB_PORT).command)
    assert port not in (taken, 0)


def test_another_one_is_taken_where_there_is_none_so_high(folder: DataFolder) -> None:
    assert 0 < port_of(add_example(folder, web_port=65535).command) < 65536


def test_nobody_gets_the_port_of_a_remote_that_is_away() -> None:
    remote = Remote()
    try:
        with pytest.raises(OSError, match="in use"), socket.socket() as other:
            other.bind(("127.0.0.1", remote.port))
    finally:
        remote.close()
