"""What a migration may do to tables that are large by now."""

from importlib import import_module
from pathlib import Path

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations

import jobs.migrations

#: From here on; those before were made for tables that were small.
FIRST = "0017"
NAMES = sorted(path.stem for path in Path(jobs.migrations.__path__[0]).glob("0*.py") if path.stem >= FIRST)


@pytest.mark.parametrize("name", NAMES)
def test_an_index_of_a_table_that_is_there_is_made_while_jobs_run(name: str) -> None:
    """A plain one locks out whoever writes, for as long as the table is read."""
    migration: type[migrations.Migration] = import_module(f"jobs.migrations.{name}").Migration
    own = {operation.name_lower for operation in migration.operations if isinstance(operation, migrations.CreateModel)}
    indexes = [operation for operation in migration.operations if isinstance(operation, migrations.AddIndex)]
    plain = [index.index.name for index in indexes if not isinstance(index, AddIndexConcurrently)
             and index.model_name_lower not in own]  # fmt: skip
    assert plain == []
    assert migration.atomic is (not any(isinstance(index, AddIndexConcurrently) for index in indexes))


def test_there_are_such_migrations() -> None:
    assert {"0017_callbacks", "0018_callback_indexes"} <= set(NAMES)
