"""What REPORTS_DATABASE_URL may name, and how it changes the connection of reports."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from environ import Env

from config.databases import reports_login

DATABASE = {"NAME": "longhaul", "OPTIONS": {"connect_timeout": 5, "sslmode": "require"}}


def login(url: str) -> dict[str, Any]:
    return reports_login(Env.db_url_config(url), DATABASE)


def test_the_options_of_the_url_hold_before_those_of_the_database() -> None:
    assert login("postgresql://reader:pw@standby:5433/longhaul?sslmode=verify-full&sslrootcert=/ca.pem") == {
        "USER": "reader", "PASSWORD": "pw", "HOST": "standby", "PORT": 5433,
        "OPTIONS": {"connect_timeout": 5, "sslmode": "verify-full", "sslrootcert": "/ca.pem"},
    }  # fmt: skip


def test_a_url_may_name_only_the_user_or_no_user() -> None:
    assert login("postgresql://reader@") == {"USER": "reader", "PASSWORD": "", "OPTIONS": DATABASE["OPTIONS"]}
    assert login("postgresql://") == {}


def test_another_database_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"names the database other, and DATABASE_URL names longhaul\."):
        login("postgresql://reader@host/other")
