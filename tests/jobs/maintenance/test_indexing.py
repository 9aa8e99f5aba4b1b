"""Search terms of jobs that were stored without."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from jobs.interventions.selection import select_jobs
from jobs.maintenance import indexing
from jobs.maintenance.indexing import index_payloads
from jobs.models import Job, SearchTerms
from jobs.models.ids import first_id_at

pytestmark = pytest.mark.django_db(transaction=True)


def test_jobs_that_were_written_by_hand_are_found_after_a_minute(make_job: Callable[..., Job]) -> None:
    def at(ago: timedelta, **values: Any) -> Job:
        moment = timezone.now() - ago
        return make_job(id=UUID(int=first_id_at(moment).int + 1), kind="report", **values)

    old = at(timedelta(hours=1), payload={"reportType": "yearly-sales", "year": 2023})
    at(timedelta(minutes=50), payload={})
    new = at(timedelta(seconds=5), payload={"reportType": "yearly-sales"})
    odd = at(timedelta(minutes=40), payload=["a", "list"])
    assert index_payloads() == 2
    assert set(select_jobs({"q": "year=2023"})) == {old}
    assert (Job.objects.get(pk=old.pk).type, Job.objects.get(pk=new.pk).type) == ("yearly-sales", "")
    assert set(SearchTerms.objects.values_list("job", flat=True)) == {old.pk, odd.pk}
    assert index_payloads() == 0


def test_many_jobs_without_terms_are_a_batch_at_a_time(
    make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "BATCH_SIZE", 2)
    for number in range(5):
        make_job(id=UUID(int=first_id_at(timezone.now() - timedelta(hours=1)).int + number), payload={"a": number})
    assert [index_payloads() for _ in range(4)] == [2, 2, 1, 0]
    assert SearchTerms.objects.count() == 5
