"""`make up` goes on accepting orders while Redis holds what Celery cannot read.

A file beside `test_make_up.py`, so that another process waits for its fault at the same time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.faults.make_up import assert_outlives, running_up


@contextmanager
def wrong_typed(client: "redis.Redis") -> Iterator[None]:
    """Somebody's strings stand where Celery keeps its lists and sets."""
    names = ("reports", "housekeeping", "_kombu.binding.reports", "_kombu.binding.housekeeping", "unacked")
    client.delete(*names)
    for name in names:
        client.set(name, "of the wrong type")
    try:
        yield
    finally:
        client.delete(*names)


def test_a_redis_whose_keys_have_the_wrong_type_ends_nothing(tmp_path: Path) -> None:
    with running_up(tmp_path / "data") as up:
        assert_outlives(up, wrong_typed)
