"""Servers that are gone, restart, or do not answer."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import psycopg
import redis
from django.db import connections

from config.tether import RAN_WELL_AFTER_SECONDS
from tests.servers import throw_away
from tests.waiting import wait_until


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
