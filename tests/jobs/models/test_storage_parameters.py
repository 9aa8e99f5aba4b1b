"""Tables that every job changes are vacuumed soon, and rows that are updated have room in their page."""

import pytest
from django.db import connection

EXPECTED = {
    "jobs_attempt": {"fillfactor": "90", "autovacuum_vacuum_scale_factor": "0.02"},
    "jobs_event": {"autovacuum_vacuum_insert_scale_factor": "0.05"},
    "jobs_handout": {"autovacuum_vacuum_scale_factor": "0", "autovacuum_vacuum_threshold": "500"},
    "jobs_job": {"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.01"},
    "jobs_queue": {"fillfactor": "50", "autovacuum_vacuum_threshold": "100"},
}


@pytest.mark.django_db
@pytest.mark.parametrize("table", EXPECTED)
def test_hot_tables_have_their_parameters(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE oid = %s::regclass", [table])
        options = dict(option.split("=") for option in cursor.fetchone()[0])
    assert EXPECTED[table].items() <= options.items()


@pytest.mark.django_db
def test_no_index_of_jobs_has_the_lease_so_a_heartbeat_changes_none() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename = 'jobs_job' AND indexdef LIKE '%lease_expires_at%'"
        )
        assert cursor.fetchall() == []
