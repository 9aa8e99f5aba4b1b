"""Jobs that real workers run, and what must hold after every fault."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobs import kinds
from tests.support.apps.faults.kinds import KINDS
from tests.support.fault_fixtures import browser, every_second, fault, owner
from tests.support.outages import commits_kept

__all__ = ["browser", "every_second", "fault", "owner"]


@pytest.fixture(autouse=True)
def known_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process submits jobs of the kinds that the workers know through EXTRA_APPS."""
    monkeypatch.setattr(kinds, "_kinds", {**kinds._kinds, **{kind.name: kind for kind in KINDS}})


@pytest.fixture
def durable(transactional_db: None) -> Iterator[None]:
    """For tests that kill PostgreSQL and count what it has."""
    with commits_kept():
        yield
