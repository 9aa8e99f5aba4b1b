"""The login for reading reports (`REPORTS_DATABASE_URL`): it cannot write, and cannot see Longhaul's own tables.

A read-only transaction prevents writes. A login without rights also prevents a query from reading the server's files,
ending other sessions and seeing other users' orders. `SET ROLE` would not suffice: a query can undo it with
`set_config('role', …)`. `manage.py migrate` creates a missing login and grants it what it may read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import structlog
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from jobs.postgres.sessions import own_connection

logger = structlog.get_logger(__name__)

#: Apps whose tables hold all users' orders, payloads, tokens, sessions and addresses, which no report may read.
PRIVATE_APPS: Final = (
    "admin", "axes", "django_celery_beat", "django_celery_results", "jobs", "knox", "sessions", "uploads",
)  # fmt: skip

SECRET_COLUMNS: Final = ("password",)

#: Whether the current login is the role itself, whether the role exists, and whether the current login may create it.
ROLES: Final = """
    SELECT current_user = role, EXISTS (SELECT FROM pg_roles WHERE rolname = role),
        (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user)
    FROM (SELECT %s::text AS role) AS wanted
"""
#: Tables and views in the schema of Django's tables on which the current login may grant rights.
TABLES: Final = """
    SELECT relname, has_table_privilege(%(role)s, oid, 'SELECT') FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
    AND pg_has_role(relowner, 'USAGE') ORDER BY relname
"""


def reader_connection(alias: str) -> BaseDatabaseWrapper:
    """A new connection to `alias`; to the primary, with the reading login if one is configured."""
    connection = own_connection(alias)
    if alias == DEFAULT_DB_ALIAS and settings.REPORTS_LOGIN:
        connection.settings_dict = {**connection.settings_dict, **settings.REPORTS_LOGIN}
    return connection


def prepare_reader(**kwargs: Any) -> None:
    """Receiver of `post_migrate`: create the login if it is missing, and grant and revoke its rights."""
    role = settings.REPORTS_LOGIN.get("USER")
    if not role or kwargs.get("using", DEFAULT_DB_ALIAS) != DEFAULT_DB_ALIAS:
        return
    connection = connections[DEFAULT_DB_ALIAS]
    with connection.cursor() as cursor:
        cursor.execute(ROLES, [role])
        [(is_owner, exists, may_create)] = cursor.fetchall()
        if is_owner or not (exists or may_create):
            logger.warning("reports_login_not_prepared", role=role, is_owner=is_owner, exists=exists)
            return
        if not exists:
            cursor.execute(_create(role, connection).as_string(connection.connection))
        for statement in list(_rights(role, cursor)):
            cursor.execute(statement.as_string(connection.connection))


def _create(role: str, connection: BaseDatabaseWrapper) -> sql.Composed:
    """CREATE ROLE. The password is sent in its stored (hashed) form, so that it never appears in a server log."""
    statement = sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION").format(
        sql.Identifier(role)
    )
    password = settings.REPORTS_LOGIN.get("PASSWORD")
    if not password:
        return statement
    stored = connection.connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    return sql.SQL("{} PASSWORD {}").format(statement, sql.Literal(stored.decode()))


def _rights(role: str, cursor: Any) -> Iterator[sql.Composed]:
    """Statements that let the role read all tables except private ones, and the users' table without the password."""
    reader = sql.Identifier(role)
    cursor.execute("SELECT current_schema()")
    schema = sql.Identifier(cursor.fetchone()[0])
    yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, reader)
    # Also allow tables that the current login creates later.
    yield sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA {} GRANT SELECT ON TABLES TO {}").format(schema, reader)
    user = get_user_model()._meta
    private = {model._meta.db_table for model in apps.get_models(True) if model._meta.app_label in PRIVATE_APPS}
    cursor.execute(TABLES, {"role": role})
    for name, may_read in cursor.fetchall():
        table = sql.Identifier(name)
        if (name in private or name == user.db_table) and may_read:
            yield sql.SQL("REVOKE ALL ON {} FROM {}").format(table, reader)
        elif not may_read and name not in private and name != user.db_table:
            yield sql.SQL("GRANT SELECT ON {} TO {}").format(table, reader)
    columns = sql.SQL(", ").join(
        sql.Identifier(str(field.column)) for field in user.concrete_fields if field.column not in SECRET_COLUMNS
    )
    yield sql.SQL("GRANT SELECT ({}) ON {} TO {}").format(columns, sql.Identifier(user.db_table), reader)
