"""The audit trail keeps what it was told."""

import pytest
from django.db import IntegrityError, connection, transaction

from jobs.interventions.audit import audit
from jobs.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def entry() -> AuditEntry:
    audit(AuditEntry.Action.PAUSE, [("queue", "reports", {"paused": False}, {"paused": True})], actor="g", reason="r")
    return AuditEntry.objects.get()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE jobs_auditentry SET actor = 'somebody else'",
        "DELETE FROM jobs_auditentry",
        "TRUNCATE jobs_auditentry",
    ],
)
def test_an_entry_cannot_be_changed_or_deleted(entry: AuditEntry, statement: str) -> None:
    with pytest.raises(IntegrityError, match="only added"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert AuditEntry.objects.get().actor == "g"


def test_an_entry_says_who_did_what_to_what(entry: AuditEntry) -> None:
    assert str(entry) == "pause queue reports"
    assert (entry.before, entry.after, entry.reason) == ({"paused": False}, {"paused": True}, "r")
