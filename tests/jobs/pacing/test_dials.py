"""Which dials count for a job."""

from collections.abc import Callable
from typing import Any

import pytest

from jobs.inspection import TypeDefaults
from jobs.models import Job, Queue, TypeDials
from jobs.pacing.dials import dials_for

pytestmark = pytest.mark.django_db


def test_the_operators_row_goes_before_the_class_and_the_class_before_the_queue(
    make_job: Callable[..., Job], django_assert_num_queries: Any
) -> None:
    Queue.objects.filter(name="reports").update(rows_per_second=1, statement_timeout_seconds=2, max_lag_seconds=9)
    job = make_job(kind="report", type="sales")
    found = dials_for(job, TypeDefaults())
    assert (found.rows_per_second, found.pace, found.statement_timeout_seconds) == (1, "fixed", 2)
    assert (found.database, found.max_lag_seconds) == ("default", 9)
    own = TypeDefaults(rows_per_second=10, pace="auto", database="replica")
    found = dials_for(job, own)
    assert (found.rows_per_second, found.pace, found.statement_timeout_seconds) == (10, "auto", 2)
    assert found.database == "replica"
    TypeDials.objects.create(kind="report", type="sales", rows_per_second=100, database="third")
    TypeDials.objects.create(kind="upload", type="sales", rows_per_second=7)
    with django_assert_num_queries(1):
        found = dials_for(job, own)
    assert (found.rows_per_second, found.pace, found.statement_timeout_seconds) == (100, "auto", 2)
    assert found.database == "third"
    assert dials_for(make_job(kind="report", type="other"), own).rows_per_second == 10


def test_a_queue_that_is_gone_is_an_error(make_job: Callable[..., Job]) -> None:
    with pytest.raises(LookupError, match="no queue named 'gone'"):
        dials_for(make_job(queue="gone"), TypeDefaults())
