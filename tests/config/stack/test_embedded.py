"""The embedded servers: they keep their data, their address and their secrets, and leave nothing behind."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import environ
import psycopg
import pytest
import redis

from config.stack.datafolder import DataFolder, LaunchError
from config.stack.embedded import EmbeddedServers
from tests.support.processes import processes_of
from tests.support.servers import throw_away
from tests.support.waiting import wait_until

#: Where we are root, PostgreSQL has a user of its own, who has to get through.
PRIVATE = 0o711 if os.geteuid() == 0 else 0o700


@contextmanager
def servers(path: Path, **options: bool) -> Iterator[dict[str, str]]:
    folder = DataFolder(path)
    folder.claim(port=0)
    running = EmbeddedServers(folder, **options)
    try:
        yield running.start()
    finally:
        folder.release()
        running.stop()


def test_data_address_and_secret_survive_a_restart(tmp_path: Path) -> None:
    with servers(tmp_path) as first:
        with psycopg.connect(first["DATABASE_URL"]) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        with redis.Redis.from_url(first["REDIS_URL"]) as client:
            client.set("kept", "43")
    assert processes_of(tmp_path) == []

    with servers(tmp_path) as second:
        with psycopg.connect(second["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchall() == [(42,)]
        with redis.Redis.from_url(second["REDIS_URL"]) as client:
            assert client.get("kept") == b"43"
            assert client.config_get("appendonly") == {"appendonly": "yes"}
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert second == first


def test_valkey_wants_its_password(tmp_path: Path) -> None:
    with servers(tmp_path, postgres=False) as environment:
        address = environment["REDIS_URL"].rpartition("@")[2]
        with redis.Redis.from_url(f"redis://{address}") as client, pytest.raises(redis.AuthenticationError):
            client.ping()


def test_the_environment_file_is_private_names_only_what_runs_and_goes(tmp_path: Path) -> None:
    file = tmp_path / "embedded.env"
    with servers(tmp_path, postgres=False) as environment:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert [line.partition("=")[0] for line in file.read_text().splitlines()] == ["SECRET_KEY", "REDIS_URL"]
        assert "DATABASE_URL" not in environment
    assert not file.exists()


def test_no_secret_of_a_statement_stands_in_the_log() -> None:
    """Nor what PostgreSQL quotes of it in its messages. All tests use one server, which runs with these options."""
    url, log = throw_away.database_url("postgres"), throw_away.folder.logs / "postgres.log"
    for statement, parameters in (
        ("SELECT 'hunter2'::int", None),
        ("COPY (SELECT 1 / (length('hunter2') - 7)) TO STDOUT", None),
        ("SELECT %s::text::int", ["hunter2"]),
        ("SELECT 'hunter2' FROM nowhere", None),
        ("DO $$ BEGIN RAISE WARNING 'hunter2'; RAISE EXCEPTION 'hunter2' USING DETAIL = 'hunter2'; END $$", None),
    ):
        with psycopg.connect(url) as connection, pytest.raises(psycopg.Error):
            connection.execute(statement, parameters)
    with psycopg.connect(url) as connection:
        connection.execute("DO $$ BEGIN RAISE LOG 'this is the last line' USING DETAIL = 'hunter2'; END $$")
        # The statement of a process that was killed stands in a DETAIL.
        assert connection.execute("SHOW log_error_verbosity").fetchone() == ("terse",)
    wait_until(lambda: "this is the last line" in log.read_text(), message="the server writes its log")
    assert "hunter2" not in log.read_text()
    assert [stat.S_IMODE(each.stat().st_mode) for each in (log, log.parent)] == [0o600, 0o700]
    assert stat.S_IMODE(throw_away.folder.path.stat().st_mode) == PRIVATE


def test_a_log_of_an_earlier_version_becomes_private(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.logs.mkdir(parents=True)
    folder.launcher_lock.touch()
    (folder.logs / "prepare.log").touch(mode=0o644)
    folder.create()
    with folder.open_log("prepare"):
        pass
    assert stat.S_IMODE((folder.logs / "prepare.log").stat().st_mode) == 0o600
    assert [stat.S_IMODE(each.stat().st_mode) for each in (folder.path, folder.logs)] == [PRIVATE, 0o700]


def test_a_folder_that_is_not_ours_alone_keeps_its_mode(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    (shared / "launcher.lock").touch()
    DataFolder(shared).create()
    assert stat.S_IMODE(shared.stat().st_mode) == 0o1777


@pytest.mark.parametrize("long_temporary_folder", [False, True])
def test_a_path_with_spaces_and_beyond_the_limit_of_a_socket_works(
    long_temporary_folder: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if long_temporary_folder:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("t" * 100)))
        (tmp_path / ("t" * 100)).mkdir()
    path = tmp_path / ("a long name " * 12).strip()
    with servers(path) as environment:
        url = environment["DATABASE_URL"]
        with psycopg.connect(url) as connection:
            assert connection.info.dbname == "longhaul"
        socket_folder = Path(environ.Env.db_url_config(url)["OPTIONS"]["host"])
        assert stat.S_IMODE(socket_folder.stat().st_mode) == 0o700
        with redis.Redis.from_url(environment["REDIS_URL"]) as client:
            assert client.ping()
    assert not socket_folder.exists()


def test_a_cluster_of_another_version_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("16\n")
    refusal = pytest.raises(LaunchError, match="was created by PostgreSQL 16, and this is PostgreSQL 18")
    with refusal as error, servers(tmp_path):
        pass
    assert "\n" not in str(error.value)
    assert processes_of(tmp_path) == []


def test_an_interrupted_first_start_is_no_cluster(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir(parents=True)
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18\n")
    with servers(tmp_path, valkey=False) as environment, psycopg.connect(environment["DATABASE_URL"]) as connection:
        assert connection.info.server_version // 10000 == 18


def test_servers_that_lost_their_tether_are_replaced(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.claim(port=0)
    running = EmbeddedServers(folder)
    first = running.start()
    orphans = [process.children()[0] for process in processes_of(tmp_path) if "tether.py" in str(process.cmdline())]
    for tether in running.processes.values():
        tether.kill()
        tether.wait()
    folder.release()
    assert len(orphans) == 2

    with servers(tmp_path) as second:
        assert second == first
        with psycopg.connect(second["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        wait_until(lambda: not any(orphan.is_running() for orphan in orphans), message="the orphans are gone")


def test_throw_away_servers_take_their_folder_with_them(tmp_path: Path) -> None:
    path = tmp_path / "gone"
    with (
        servers(path, durable=False, delete=True) as environment,
        psycopg.connect(environment["DATABASE_URL"]) as connection,
    ):
        assert connection.execute("SHOW fsync").fetchone() == ("off",)
    assert not path.exists()
