"""Criteria by which jobs are selected."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from jobs.interventions.selection import UnknownCriterionError, error_classes, in_words, select_jobs
from jobs.models import Job, SearchTerms
from jobs.models.ids import first_id_at
from jobs.payloads.search import terms_of
from jobs.states import State

pytestmark = pytest.mark.django_db
FINGERPRINT = "0123456789abcdef"


def found(**criteria: str) -> set[uuid.UUID]:
    return set(select_jobs(criteria).values_list("pk", flat=True))


@pytest.fixture
def job(make_job: Callable[..., Job]) -> Job:
    """The one that is meant; the other differs in everything."""
    other = User.objects.create_user("grace")
    make_job(state=State.SUCCEEDED, queue="uploads", owner=other, kind="other", type="large")
    job = make_job(
        state=State.DEAD, kind="report", type="small", error_class="E", error_fingerprint=FINGERPRINT,
        payload={"city": "Tokyo", "year": 2023},
    )  # fmt: skip
    SearchTerms.objects.create(job=job, terms=terms_of("report", job.payload))
    return job


@pytest.mark.parametrize(
    "criteria",
    [
        {"state": "dead"}, {"kind": "report"}, {"type": "small", "kind": "report"}, {"queue": "reports"},
        {"owner": "ada"}, {"error": "E"}, {"fingerprint": FINGERPRINT}, {"q": FINGERPRINT}, {"q": " ada "},
        {"q": "tokyo"}, {"q": "2023"}, {"q": "Year=2023"}, {"state": "dead", "queue": "reports", "age": "hour"},
    ],
    ids=str,
)  # fmt: skip
def test_each_criterion_finds_its_job(job: Job, criteria: dict[str, str]) -> None:
    assert found(**criteria) == {job.pk}


def test_a_search_takes_an_id(job: Job) -> None:
    assert found(q=str(job.pk)) == found(q=job.pk.hex) == {job.pk}


@pytest.mark.parametrize(
    "criteria",
    [{"state": "queued"}, {"error": ""}, {"q": "osaka"}, {"q": ""}, {"age": "older"}, {"trouble": "overdue"}],
)
def test_what_does_not_fit_is_not_found(job: Job, criteria: dict[str, str]) -> None:
    assert found(**criteria) == set()


@pytest.mark.parametrize("criteria", [{"colour": "red"}, {"age": "century"}, {"trouble": "delete"}])
def test_an_unknown_criterion_is_refused(criteria: dict[str, str]) -> None:
    with pytest.raises(UnknownCriterionError):
        found(**criteria)


def test_troubles_are_found(make_job: Callable[..., Job]) -> None:
    orphan = make_job(state=State.RUNNING, lease_expires_at=Now() - timedelta(seconds=1))
    late = make_job(state=State.FAILED, retry_at=Now() - timedelta(minutes=2))
    make_job(state=State.FAILED, retry_at=Now())
    assert (found(trouble="orphaned"), found(trouble="overdue")) == ({orphan.pk}, {late.pk})


def test_ids_are_in_the_order_of_time(job: Job) -> None:
    assert first_id_at(timezone.now() - timedelta(seconds=60)) < job.pk < first_id_at(timezone.now() + timedelta(1))
    first = first_id_at(datetime(2026, 1, 1, tzinfo=UTC))
    assert (first.version, first.variant) == (7, uuid.RFC_4122)


def test_criteria_in_words() -> None:
    assert in_words({"state": "dead", "q": "x"}) == "state dead, search x"
    assert in_words({}) == "all jobs"


def test_classes_of_errors_are_listed_once_each(make_job: Callable[..., Job]) -> None:
    for name in ("b.B", "a.A", "b.B", ""):
        make_job(error_class=name)
    assert error_classes() == ["a.A", "b.B"]


def test_criteria_are_answered_by_an_index(make_job: Callable[..., Job]) -> None:
    job = make_job(kind="report", type="small", state=State.DEAD, error_class="E", error_fingerprint=FINGERPRINT)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO jobs_job (id, kind, queue, payload, state, priority, due, attempt_count, max_attempts,"
            " fencing_token, progress_done, progress_percent, error_class, error_message, error_fingerprint,"
            " request_fingerprint)"
            " SELECT gen_random_uuid(),"
            " 'other', 'callbacks', '{}', 'succeeded', 0, true, 0, 1, 0, 0, 100, '', '', '', ''"
            " FROM generate_series(1, 20000)"
        )
        cursor.execute("ANALYZE jobs_job")
    for criteria in (
        {"kind": "report"}, {"type": "small"}, {"queue": "reports"}, {"error": "E"}, {"fingerprint": FINGERPRINT},
        {"state": "dead"}, {"age": "hour"}, {"q": "nothing"}, {"q": str(job.pk)}, {"owner": "ada"},
    ):  # fmt: skip
        plan = select_jobs(criteria).order_by("-pk")[:50].explain()
        assert "Seq Scan on jobs_job" not in plan, criteria
