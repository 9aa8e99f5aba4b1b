"""PostgreSQL looks whether its client is still there."""

import pytest
from django.db import connection, connections


@pytest.mark.django_db(transaction=True)
def test_every_connection_is_told_to_end_with_its_client() -> None:
    other = connections.create_connection("default")
    for session in (connection, other):
        with session.cursor() as cursor:
            cursor.execute("SHOW client_connection_check_interval")
            assert cursor.fetchone() == ("2s",)
    other.close()
