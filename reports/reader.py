"""The login that reports are read as: it cannot write, and does not see Longhaul's own tables.

`REPORTS_DATABASE_URL` names it. A read-only transaction keeps a query from writing. A login without rights also keeps
it from reading the server's files, ending other sessions and looking at other users' orders. `SET ROLE` would not do: a
query can undo it by `set_config('role', …)`.

`manage.py migrate` makes the login where it is missing, and gives it what it may read.
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

logger = structlog.get_logger(__name__)

#: Apps whose tables hold orders of all users, tokens, sessions, payloads, addresses: no report's business.
PRIVATE_APPS: Final = ("admin", "axes", "django_celery_beat", "django_celery_results", "jobs", "knox", "sessions")

SECRET_COLUMNS: Final = ("password",)

#: Whether the login is the one that owns the tables, whether it exists, and whether it could be made.
ROLES: Final = """
    SELECT current_user = role, EXISTS (SELECT FROM pg_roles WHERE rolname = role),
        (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user)
    FROM (SELECT %s::text AS role) AS wanted
"""
#: Tables and views of the schema that Django's tables are in, which this login may give rights to.
TABLES: Final = """
    SELECT relname, has_table_privilege(%(role)s, oid, 'SELECT') FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
    AND pg_has_role(relowner, 'USAGE') ORDER BY relname
"""


def reader_connection(alias: str) -> BaseDatabaseWrapper:
    """A new connection of its own to `alias`; to the primary, as the login that only reads, where there is one."""
    connection = connections.create_connection(alias)
    login = settings.REPORTS_LOGIN
    if alias == DEFAULT_DB_ALIAS and login:
        shared = connection.settings_dict  # with all other connections of this alias
        connection.settings_dict = {**shared, **login}
    return connection


def prepare_reader(**kwargs: Any) -> None:
    """Receiver of `post_migrate`: make the login where it is missing, and give and take rights."""
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
        for statement in [] if exists else [_create(role, connection)]:
            cursor.execute(statement.as_string(connection.connection))
        for statement in list(_rights(role, cursor)):
            cursor.execute(statement.as_string(connection.connection))


def _create(role: str, connection: BaseDatabaseWrapper) -> sql.Composed:
    """The password is sent as PostgreSQL stores it, so that no log of the server holds it."""
    statement = sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION").format(
        sql.Identifier(role)
    )
    password = settings.REPORTS_LOGIN.get("PASSWORD")
    if not password:
        return statement
    stored = connection.connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    return sql.SQL("{} PASSWORD {}").format(statement, sql.Literal(stored.decode()))


def _rights(role: str, cursor: Any) -> Iterator[sql.Composed]:
    """All tables may be read but the private ones, and of the users' table all columns but the password."""
    reader = sql.Identifier(role)
    cursor.execute("SELECT current_schema()")
    schema = sql.Identifier(cursor.fetchone()[0])
    yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, reader)
    # Tables that this login makes later can be read at once.
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
