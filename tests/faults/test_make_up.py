"""`make up` runs a queue of one's own, and goes on accepting orders while Redis does not do what Celery needs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from config.stack.datafolder import BASE_DIR
from tests.support.make_up import Up, assert_outlives, execute, running_up
from tests.support.processes import clean_environment
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with running_up(tmp_path_factory.mktemp("up") / "data") as up:
        yield up


@contextmanager
def read_only(client: "redis.Redis") -> Iterator[None]:
    """As after a failover that left it the replica of a server that is gone."""
    execute(client, "REPLICAOF", "127.0.0.1", "1")
    try:
        yield
    finally:
        execute(client, "REPLICAOF", "NO", "ONE")


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


def test_a_queue_that_is_declared_by_the_environment_alone_is_worked_off(up: Up) -> None:
    location = up.order("team-numbers", {})
    wait_until(lambda: up.is_complete(location), timeout=60, every=0.5, message="the report of the team is complete")
    wait_until(lambda: up.health() == {}, timeout=60, every=0.5, message="each queue has a worker, each sweep runs")


def test_the_demo_of_a_call_shows_its_steps_and_its_result(up: Up) -> None:
    demo = subprocess.run(
        [sys.executable, "-m", "config.stack.demo", "call"],
        cwd=BASE_DIR, env=clean_environment(up.data), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert demo.returncode == 0, demo.stderr
    assert "Using the Longhaul that is already running" in demo.stderr
    assert "  Complete, 12 of 12 steps" in demo.stderr.splitlines()
    result = json.loads(demo.stdout)
    assert (result["base"], len(result["months"]), result["average"]["USD"]) == ("EUR", 12, "1.09804")


def test_a_redis_that_takes_no_writes_ends_nothing(up: Up) -> None:
    assert_outlives(up, read_only)


def test_a_redis_whose_keys_have_the_wrong_type_ends_nothing(up: Up) -> None:
    assert_outlives(up, wrong_typed)
