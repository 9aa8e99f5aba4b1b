"""Servers that are gone, restart, or do not answer."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any

import psutil
import psycopg
import redis
from django.db import connection, connections

from config.stack.tether import RAN_WELL_AFTER_SECONDS
from tests.support.servers import throw_away
from tests.support.waiting import wait_until


@contextmanager
def valkey_hung() -> Iterator[None]:
    """It accepts connections and answers nothing."""
    [valkey] = _tether().children()
    valkey.suspend()
    try:
        yield
    finally:
        valkey.resume()


@contextmanager
def valkey_killed() -> Iterator[None]:
    """SIGKILL, and no restart by its tether before the block ends."""
    tether = _tether()
    [valkey] = tether.children()
    tether.suspend()
    valkey.kill()
    try:
        yield
    finally:
        tether.resume()
        wait_until(_answers, message="Valkey is back")


def restart_valkey() -> None:
    """SIGKILL; its tether starts it again. Without an append-only file, it has forgotten everything."""
    with valkey_killed():
        pass


def restart_postgres() -> None:
    """PostgreSQL's fast shutdown: all sessions are ended, and its tether starts it again."""
    [postgres] = _tether("PostgreSQL").children()
    connections.close_all()
    postgres.send_signal(signal.SIGINT)
    postgres.wait(30)
    wait_until(_postgres_answers, message="PostgreSQL is back")


@contextmanager
def valkey_full() -> Iterator[None]:
    """It has no memory left, and evicts nothing: whatever would take more is refused."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.config_set("maxmemory", 1)
        try:
            yield
        finally:
            client.config_set("maxmemory", 0)


@contextmanager
def postgres_killed() -> Iterator[None]:
    """SIGKILL of its main process; nobody listens before the block ends, when its tether starts it again."""
    tether = _tether("PostgreSQL")
    [postgres] = tether.children()
    connections.close_all()
    tether.suspend()
    postgres.kill()
    try:
        yield
    finally:
        tether.resume()
        wait_until(_postgres_answers, message="PostgreSQL is back")


@contextmanager
def postgres_hung() -> Iterator[None]:
    """It accepts connections, and answers nothing, on those that are open neither."""
    [postgres] = _tether("PostgreSQL").children()
    connections.close_all()
    stopped = [postgres]
    try:
        postgres.suspend()
        stopped += postgres.children()
        for process in stopped[1:]:
            with suppress(psutil.NoSuchProcess):  # the session has just ended
                process.suspend()
        yield
    finally:
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.resume()
        wait_until(_postgres_answers, message="PostgreSQL is back")


@contextmanager
def postgres_full() -> Iterator[None]:
    """All its connections are taken; those of the service were ended before."""
    connections.close_all()
    with ExitStack() as stack:
        first = stack.enter_context(psycopg.connect(throw_away.database_url("postgres"), autocommit=True))
        for _ in range(2):
            with suppress(psycopg.OperationalError):
                while True:
                    stack.enter_context(psycopg.connect(throw_away.database_url("postgres"), autocommit=True))
            first.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'longhaul'")
        yield


@contextmanager
def postgres_read_only() -> Iterator[None]:
    """As after a failover: the server that is reached by now takes no writes."""
    options = "-c default_transaction_read_only=off"
    with psycopg.connect(throw_away.database_url("postgres"), options=options, autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        admin.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            admin.execute("ALTER SYSTEM RESET default_transaction_read_only")
            admin.execute("SELECT pg_reload_conf()")


@contextmanager
def another_session(statement: str) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
    """Another session, in whose transaction this statement was run; it is rolled back unless the block commits it."""
    with closing(psycopg.connect(throw_away.database_url(str(connection.settings_dict["NAME"])))) as other:
        other.execute(statement.encode())
        yield other


@contextmanager
def locked(statement: str) -> Iterator[None]:
    """Another session holds what this statement locks."""
    with another_session(statement):
        yield


def _tether(server: str = "Valkey") -> psutil.Process:
    """Of a server that has run for long enough to be started again: one that never did is not worth it."""
    assert throw_away.servers is not None
    run_well_at = throw_away.started_at + RAN_WELL_AFTER_SECONDS
    wait_until(lambda: time.monotonic() > run_well_at, message=f"{server} runs well")
    return psutil.Process(throw_away.servers.processes[server].pid)


def _postgres_answers() -> bool:
    try:
        with psycopg.connect(throw_away.database_url("postgres"), connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def _answers() -> bool:
    try:
        with redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def end_all_sessions() -> None:
    """Of the test database, but for this thread's own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@contextmanager
def commits_kept() -> Iterator[None]:
    """What was committed survives a crash, as in production; else the tests' server may lose the last moment of it."""
    _alter_database("SET synchronous_commit = on")
    try:
        yield
    finally:
        _alter_database("RESET synchronous_commit")


def _alter_database(change: str) -> None:
    """It counts for new sessions, so the others end."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {connection.ops.quote_name(str(connection.settings_dict['NAME']))} {change}")
    end_all_sessions()
    connections.close_all()
