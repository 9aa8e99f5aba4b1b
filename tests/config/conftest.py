"""Folders for servers of their own."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Outside pytest's own folder: every run of pytest closes that one to other users, and as root the
    database runs as another user."""
    with tempfile.TemporaryDirectory(prefix="longhaul-config-", ignore_cleanup_errors=True) as path:
        yield Path(path)
