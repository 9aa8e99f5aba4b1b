"""A Redis that is gone, or that does not answer, for the length of a block."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import redis

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


def _tether() -> psutil.Process:
    assert throw_away.servers is not None
    return psutil.Process(throw_away.servers.processes["Valkey"].pid)


def _answers() -> bool:
    try:
        with redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
