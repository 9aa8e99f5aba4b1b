"""Connections to PostgreSQL, from URLs as django-environ reads them."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured


def connection_to(url: dict[str, Any]) -> dict[str, Any]:
    """The `DATABASES` entry for a URL, whose options win. Web threads keep a connection for a minute; there is no pool.

    With these timeouts, a server that is gone without a word is noticed before the lease of a job ends.
    """
    options = {
        "application_name": "longhaul",
        "prepare_threshold": 0,  # for jobs.postgres.statements; Django prepares nothing
        "connect_timeout": 5,  # seconds
        "keepalives_idle": 20,  # seconds
        "tcp_user_timeout": 20_000,  # milliseconds
        **url.get("OPTIONS", {}),
    }
    return {**url, "ENGINE": "jobs.postgres", "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, "OPTIONS": options}


def reports_login(url: dict[str, Any], database: dict[str, Any]) -> dict[str, Any]:
    """How a connection for reports differs from one to `database`; empty if `url` names no user.

    The database is the same, and so is the server if `url` names none.

    Raises ImproperlyConfigured if `url` names another database.
    """
    if not url["USER"]:
        return {}
    if url["NAME"] not in ("", database["NAME"]):
        raise ImproperlyConfigured(
            f"REPORTS_DATABASE_URL names the database {url['NAME']}, and DATABASE_URL names {database['NAME']}. "
            "REPORTS_DATABASE_URL must name the same database or leave the name out."
        )
    login = {name: url[name] for name in ("USER", "PASSWORD")}
    login |= {name: url[name] for name in ("HOST", "PORT") if url[name]}
    return {**login, "OPTIONS": {**database["OPTIONS"], **url.get("OPTIONS", {})}}
