"""Fixtures, which a conftest imports: real workers that are hurt, and a Beat that does not keep a test waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django_celery_beat.models import IntervalSchedule

from jobs.files.orphan_files import FOLDERS, remove_orphans_in
from tests.support.fault import Fault
from tests.support.invariants import assert_invariants
from tests.support.stack import Stack


@pytest.fixture
def owner(stack: Stack) -> User:
    return User.objects.create_user("faults")


@pytest.fixture
def fault(stack: Stack, owner: User, tmp_path: Path, stored: Callable[[], set[str]], settings: Any) -> Iterator[Fault]:
    """Submit jobs, hurt what runs them; the invariants are looked at when the test has ended."""
    settings.ORPHAN_FILE_AGE_SECONDS = 0
    settings.REPUBLISH_AFTER_SECONDS = 2
    fault = Fault(stack, owner, tmp_path, stored)
    yield fault
    fault.open_gate()
    for folder in FOLDERS:
        remove_orphans_in(folder)
    assert_invariants(fault.files)


@pytest.fixture
def every_second(stack: Stack) -> None:
    """Beat's schedules are rows: each comes due once a second."""
    IntervalSchedule.objects.update(every=1)


@pytest.fixture
def browser(stack: Stack, browser: Any) -> Any:
    """The database and the services must be there before a page asks for their address."""
    return browser
