"""What every session of PostgreSQL is told when it begins."""

import pytest
from django.db import connection, connections

from jobs.postgres.sessions import SETTINGS


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", SETTINGS)
def test_every_session_is_configured(name: str) -> None:
    other = connections.create_connection("default")
    for session in (connection, other):
        with session.cursor() as cursor:
            cursor.execute(f"SHOW {name}")
            assert cursor.fetchone() == (SETTINGS[name],)
    other.close()
