"""The login that reports are read as: `REPORTS_DATABASE_URL` beside `DATABASE_URL`."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured


def reports_login(url: dict[str, Any], database: dict[str, Any]) -> dict[str, Any]:
    """What a connection for reports has other than one to `database`; nothing, where `url` names no user.

    Both are as django-environ reads them. The database is the same, and so is the server if `url` names none.

    Raises ImproperlyConfigured where `url` names another database.
    """
    if not url["USER"]:
        return {}
    if url["NAME"] not in ("", database["NAME"]):
        raise ImproperlyConfigured(
            f"REPORTS_DATABASE_URL: it names the database {url['NAME']}, and DATABASE_URL names {database['NAME']}. "
            "It must name the same database, or none."
        )
    login = {name: url[name] for name in ("USER", "PASSWORD")}
    login |= {name: url[name] for name in ("HOST", "PORT") if url[name]}
    return {**login, "OPTIONS": {**database["OPTIONS"], **url.get("OPTIONS", {})}}
