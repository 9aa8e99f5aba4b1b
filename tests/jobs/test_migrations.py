"""Migrations that a service in use goes through: forwards and back, and while jobs run."""

from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import IntegrityError, connection, connections, migrations
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

import jobs.migrations
from tests.support.servers import throw_away

#: From here on no plain index; those before were made for tables that were small.
FIRST = "0017"
NAMES = sorted(path.stem for path in Path(jobs.migrations.__path__[0]).glob("0*.py") if path.stem >= FIRST)
ALIAS = "migrated"
AUTH = "0012_alter_user_first_name_max_length"
BEFORE = [("jobs", "0014_index_to_count"), ("knox", "0009_extend_authtoken_field"), ("auth", AUTH)]
TABLES = [("jobs", "0015_api_contract")]
INDEX = [("jobs", "0015_idempotency_key_index")]

A_USER = """
    INSERT INTO auth_user
        (username, password, first_name, last_name, email, is_superuser, is_staff, is_active, date_joined)
    VALUES ('ada', '', '', '', '', false, false, true, now()) RETURNING id
"""
A_TOKEN = """
    INSERT INTO knox_authtoken (digest, token_key, created, expiry, user_id)
    VALUES ('digest', 'key', '2026-01-02Z', '2036-01-02Z', %s)
"""
A_NARROW_TOKEN = """
    INSERT INTO jobs_apitoken (digest, token_key, created, id, name, scopes, user_id)
    VALUES ('newer', 'key2', '2026-01-03Z', gen_random_uuid(), 'x', '{reports:read}', %s)
"""
OF_THE_INDEX = """
    SELECT indisunique, indisvalid, pg_get_expr(indpred, indrelid) FROM pg_index
    WHERE indexrelid = 'jobs_job_idempotency_key'::regclass
"""


@pytest.fixture(scope="module")
def before(django_db_blocker: DjangoDbBlocker) -> Iterator[BaseDatabaseWrapper]:
    """A new database as it was before tokens had scopes."""
    with django_db_blocker.unblock(), psycopg.connect(throw_away.database_url("postgres"), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {ALIAS}")
        connections.databases[ALIAS] = {**connection.settings_dict, "NAME": ALIAS}
        with closing(connections[ALIAS]) as other:
            migrate(other, BEFORE)
            yield other
        del connections[ALIAS], connections.databases[ALIAS]
        server.execute(f"DROP DATABASE {ALIAS} WITH (FORCE)")


def migrate(database: BaseDatabaseWrapper, to: list[tuple[str, str]]) -> None:
    MigrationExecutor(database).migrate(to)


def ask(database: BaseDatabaseWrapper, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with database.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []


@pytest.mark.slow
def test_a_rollback_loses_no_token_and_no_rule(before: BaseDatabaseWrapper) -> None:
    migrate(before, BEFORE)
    ((ada,),) = ask(before, A_USER)
    ask(before, A_TOKEN, ada)
    migrate(before, TABLES)
    assert ask(before, "SELECT digest, token_key, scopes, user_id FROM jobs_apitoken") == [
        ("digest", "key", ["*"], ada)
    ]
    assert ask(before, "SELECT * FROM knox_authtoken") == []
    ask(before, A_NARROW_TOKEN, ada)
    migrate(before, BEFORE)
    kept = ask(before, "SELECT digest, token_key, created::date::text, expiry::date::text, user_id FROM knox_authtoken")
    assert sorted(kept) == [
        ("digest", "key", "2026-01-02", "2036-01-02", ada),
        ("newer", "key2", "2026-01-03", None, ada),
    ]
    with pytest.raises(IntegrityError):
        ask(before, "DELETE FROM auth_user")
    migrate(before, TABLES)
    assert len(ask(before, "SELECT * FROM jobs_apitoken")) == 2


@pytest.mark.slow
def test_the_index_of_keys_is_built_beside_the_orders_and_anew_where_it_was_interrupted(
    before: BaseDatabaseWrapper,
) -> None:
    migrate(before, TABLES)
    ask(before, "CREATE INDEX jobs_job_idempotency_key ON jobs_job (id)")  # as what an interrupted one leaves
    with CaptureQueriesContext(before) as queries:
        migrate(before, INDEX)
    built = [one["sql"] for one in queries if "jobs_job_idempotency_key" in (one["sql"] or "")]
    assert [statement.split(" jobs_job_idempotency_key")[0] for statement in built] == [
        "DROP INDEX CONCURRENTLY IF EXISTS",
        "CREATE UNIQUE INDEX CONCURRENTLY",
    ]
    assert ask(before, OF_THE_INDEX) == [(True, True, "(idempotency_key IS NOT NULL)")]
    migrate(before, TABLES)
    assert ask(before, "SELECT to_regclass('jobs_job_idempotency_key')") == [(None,)]


def is_concurrent(operation: Any) -> bool:
    if isinstance(operation, migrations.SeparateDatabaseAndState):
        return any(map(is_concurrent, operation.database_operations))
    return isinstance(operation, AddIndexConcurrently) or "INDEX CONCURRENTLY" in str(getattr(operation, "sql", ""))


@pytest.mark.parametrize("name", NAMES)
def test_an_index_of_a_table_that_is_there_is_made_while_jobs_run(name: str) -> None:
    """A plain one locks out whoever writes, for as long as the table is read."""
    migration: type[migrations.Migration] = import_module(f"jobs.migrations.{name}").Migration
    own = {operation.name_lower for operation in migration.operations if isinstance(operation, migrations.CreateModel)}
    indexes = [operation for operation in migration.operations if isinstance(operation, migrations.AddIndex)]
    plain = [index.index.name for index in indexes if not isinstance(index, AddIndexConcurrently)
             and index.model_name_lower not in own]  # fmt: skip
    assert plain == []
    assert migration.atomic is (not any(map(is_concurrent, migration.operations)))


def test_there_are_such_migrations() -> None:
    assert {"0017_callbacks", "0018_callback_indexes"} <= set(NAMES)
