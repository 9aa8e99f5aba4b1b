"""System check: reports should be read with a login that cannot write."""

from collections.abc import Sequence
from typing import Any, Final

from django.core import checks
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError

from jobs.pacing.replica import REPLICA, has_replica
from jobs.payloads.redaction import in_one_line
from reports.reader import reader_connection

#: The login's name, whether it is a superuser, and one table that it may write to, if any.
RIGHTS: Final = """
    SELECT current_user, rolsuper, (
        SELECT format('%%I.%%I', nspname, relname) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE relkind IN ('r', 'p') AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%%'
        AND has_table_privilege(pg_class.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') LIMIT 1
    )
    FROM pg_roles WHERE rolname = current_user
"""


@checks.register(checks.Tags.database)
def check_reader(
    app_configs: Sequence[Any] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Runs with `migrate` and `check --database default`."""
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    return [warning for alias in (DEFAULT_DB_ALIAS, *([REPLICA] if has_replica() else [])) for warning in _check(alias)]


def _check(alias: str) -> list[checks.CheckMessage]:
    variable = "REPLICA_URL" if alias == REPLICA else "REPORTS_DATABASE_URL"
    hint = f"Use a login that can only read in {variable}; docs/operations.md describes how to create one."
    connection = reader_connection(alias)
    try:
        with connection.cursor() as cursor:
            cursor.execute(RIGHTS, [])
            [(login, is_superuser, writable)] = cursor.fetchall()
    except (DatabaseError, InterfaceError) as error:
        text = f"The database {alias} cannot be read for reports: {in_one_line(error)}"
        return [checks.Warning(text, hint="`migrate` creates a missing login.", id="reports.W002")]
    finally:
        connection.close()
    if is_superuser:
        return [checks.Warning(f"Reports run as the login {login}, a superuser.", hint=hint, id="reports.W001")]
    text = f"Reports run as the login {login}, which can write to {writable}."
    return [checks.Warning(text, hint=hint, id="reports.W001")] if writable else []
