"""The worker: which ones share sessions of PostgreSQL."""

from types import SimpleNamespace

import pytest
from celery.concurrency.prefork import TaskPool as ProcessPool
from celery.concurrency.thread import TaskPool as ThreadPool
from pytest_django import Settings

from config.celery import SharedSessions
from config.stack.services import all_services


@pytest.mark.parametrize(
    ("pool", "size", "shares"), [(ThreadPool, 6, True), (ThreadPool, 0, False), (ProcessPool, 6, False)]
)
def test_only_a_worker_with_threads_that_asks_for_it_shares_sessions(
    pool: type, size: int, shares: bool, settings: Settings
) -> None:
    settings.DATABASE_POOL_SIZE = size
    step = object.__new__(SharedSessions)
    assert step.include_if(SimpleNamespace(pool_cls=pool)) is shares


def test_of_the_services_only_the_worker_for_calls_asks_for_it() -> None:
    asking = {service.name: service.environment for service in all_services(port=1) if service.environment}
    assert asking == {"worker-calls": {"DATABASE_POOL_SIZE": "8"}}
