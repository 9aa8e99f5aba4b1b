"""The list of jobs as a file, read while it is sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection

from jobs.admin.export import jobs_as_csv
from jobs.models import Job

pytestmark = pytest.mark.django_db(transaction=True)


def open_cursors() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors")
        return int(cursor.fetchone()[0])


def test_no_statement_reads_more_than_a_chunk(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.admin.export.CHUNK", 2)
    jobs = [Job.objects.create(kind="test", queue="reports", owner=owner, payload={}, max_attempts=1) for _ in range(5)]
    lines: Callable[[], str] = (part.decode() for part in jobs_as_csv(Job.objects.all())).__next__
    assert lines().startswith("id,kind,type,")
    for job in reversed(jobs):
        assert lines().startswith(f"{job.pk},test,")
        assert open_cursors() == 0
    with pytest.raises(StopIteration):
        lines()
