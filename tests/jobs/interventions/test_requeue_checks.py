"""Can it be requeued? Each answer against the real database."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.db.models.functions import Now
from pytest_django import DjangoAssertNumQueries

from jobs.files import room
from jobs.inspection import Finding, Inspector
from jobs.interventions import circumstances
from jobs.interventions.requeue_checks import RequeueChecks, Verdict
from jobs.kinds import Kind, register_kind
from jobs.models import Artifact, Attempt, Job, Queue, SearchTerms
from jobs.payloads.search import terms_of
from jobs.states import Level, Outcome, State

pytestmark = pytest.mark.django_db


class Curious(Inspector):
    """Looks for `findings` in the payload."""

    def findings(self, job: Job) -> Iterator[Finding]:
        if job.payload["sound"]:
            yield Finding(Level.OK, "Sound.")


@pytest.fixture
def dead_job(make_job: Callable[..., Job], kind_of: Callable[..., str]) -> Callable[..., Job]:
    kind_of(lambda context: None)
    register_kind(Kind("curious", "reports", lambda context: None, inspector=Curious()))

    def make(**values: Any) -> Job:
        values = {"state": State.DEAD, "released_at": None, "finished_at": Now()} | values
        job = make_job(**values)
        if terms := terms_of(job.kind, job.payload):
            SearchTerms.objects.create(job=job, terms=terms)
        return Job.objects.select_related("owner").get(pk=job.pk)

    return make


def verdict(job: Job) -> Verdict:
    return RequeueChecks().check(job)


def warnings(job: Job) -> str:
    found = verdict(job)
    assert found.label == "safe with a warning", found
    return found.reasons


def refusal(job: Job) -> str:
    found = verdict(job)
    assert found.label == "refused", found
    return found.reasons


def test_a_dead_job_whose_cause_is_gone_is_safe(dead_job: Callable[..., Job]) -> None:
    found = verdict(dead_job())
    assert (found.label, found.reasons) == ("safe", "")
    assert [str(finding.text) for finding in found.findings] == [
        "No job with the same payload is waiting or running, or has succeeded since.",
        "The queue reports is handing out jobs, and the database default responds.",
        "No similar job has succeeded recently, so the duration is unknown.",
    ]


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.SUCCEEDED, State.CANCELLED])
def test_a_job_that_has_not_failed_is_refused(dead_job: Callable[..., Job], state: State) -> None:
    assert refusal(dead_job(state=state)).startswith(f"It is {state}")


def test_a_kind_that_is_gone_is_refused(dead_job: Callable[..., Job]) -> None:
    found = verdict(dead_job(kind="gone"))
    assert (found.label, found.reasons) == ("will fail again", "No installed app registers the kind gone.")


def test_a_queue_that_is_gone_is_refused(dead_job: Callable[..., Job]) -> None:
    assert refusal(dead_job(queue="gone")) == "The queue gone no longer exists."


def test_a_deactivated_owner_is_refused(dead_job: Callable[..., Job], owner: User) -> None:
    User.objects.update(is_active=False)
    assert refusal(dead_job()) == "The account of its owner, ada, is deactivated."


def test_a_published_result_is_refused(dead_job: Callable[..., Job]) -> None:
    job = dead_job()
    artifact = Artifact.objects.create(job=job, role="result", row_count=1, size_bytes=1, published_at=Now())
    assert refusal(job) == "Its result is already published."
    Artifact.objects.filter(pk=artifact.pk).update(deleted_at=Now())
    assert verdict(job).label == "safe"


def test_a_paused_queue_is_a_warning(dead_job: Callable[..., Job]) -> None:
    Queue.objects.filter(name="reports").update(paused=True)
    assert warnings(dead_job()) == "The queue reports is paused. Until it is resumed, the job will wait."


def test_a_database_that_does_not_answer_is_a_warning(dead_job: Callable[..., Job], monkeypatch: Any) -> None:
    away = {**connections["default"].settings_dict, "HOST": "127.0.0.1", "PORT": "1", "PASSWORD": "hunter2"}
    job = dead_job()
    monkeypatch.setattr(circumstances, "DEFAULT_DB_ALIAS", "another")
    monkeypatch.setitem(connections.settings, "default", away)  # counts for new connections only
    assert warnings(job).startswith("The database default does not respond: connection failed")


def test_a_database_that_is_not_configured_is_refused(dead_job: Callable[..., Job]) -> None:
    Queue.objects.filter(name="reports").update(database="gone")
    assert refusal(dead_job()) == "The settings define no database named gone."


def test_a_storage_without_room_is_a_warning(dead_job: Callable[..., Job], monkeypatch: Any) -> None:
    monkeypatch.setattr(room, "LOW_STORAGE_BYTES", 10**18)
    Path(room.storages["artifacts"].location).mkdir(parents=True, exist_ok=True)  # type: ignore[attr-defined]
    assert "MiB left" in warnings(dead_job())


@pytest.mark.parametrize(
    ("code", "retryable", "said"),
    [
        ("query-refused", False, "will not go away by itself"),
        ("worker-lost", True, "It may take down the next worker"),
    ],
)
def test_what_the_last_error_says_is_a_warning(
    dead_job: Callable[..., Job], code: str, retryable: bool, said: str
) -> None:
    job = dead_job(result={"error": {"code": code, "detail": "…", "retryable": retryable}})
    assert said in warnings(job)


def test_equal_work_that_waits_or_has_succeeded_since_is_a_warning(dead_job: Callable[..., Job]) -> None:
    payload = {"year": 2023}
    job = dead_job(payload=payload)
    others = (
        dead_job(payload=payload, state=State.SUCCEEDED, finished_at=Now() - timedelta(hours=1)),  # before it died
        dead_job(payload={"year": 2024}, state=State.QUEUED),
        dead_job(payload=payload, state=State.QUEUED, owner=User.objects.create_user("grace")),
        dead_job(payload=payload),  # dead itself
    )
    assert verdict(job).label == "safe", others
    since = dead_job(payload=payload, state=State.SUCCEEDED, finished_at=Now() + timedelta(seconds=1))
    assert warnings(job) == f"A job with the same payload has succeeded since: {since.pk}."
    waits = dead_job(payload=payload, state=State.QUEUED, finished_at=None)
    assert warnings(job) == f"A job with the same payload is already queued: {waits.pk}."


def test_how_long_such_jobs_take_is_told(dead_job: Callable[..., Job]) -> None:
    for number, seconds in enumerate((2, 4, 60)):
        done = dead_job(state=State.SUCCEEDED)
        Attempt.objects.create(
            job=done, number=1, fencing_token=number, worker="w", outcome=Outcome.SUCCEEDED,
            started_at=Now() - timedelta(seconds=seconds), finished_at=Now(),
        )  # fmt: skip
    texts = [str(finding.text) for finding in verdict(dead_job()).findings]
    assert texts[-1] == "The last 3 similar jobs took 4 s (median) and at most 1 min."


def test_the_kind_is_asked_and_its_failure_is_an_answer(dead_job: Callable[..., Job]) -> None:
    sound = verdict(dead_job(kind="curious", payload={"sound": True}))
    assert str(sound.findings[0].text) == "Sound."
    broken = verdict(dead_job(kind="curious", payload={}))
    assert (broken.label, broken.reasons) == (
        "will fail again",
        "The check of its payload failed: KeyError('sound')",
    )


def test_many_jobs_are_checked_in_as_many_queries_as_one(
    dead_job: Callable[..., Job], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    jobs = [dead_job(payload={"number": number}) for number in range(20)]
    with django_assert_num_queries(5):  # equal jobs, inquiries, results, dials, like jobs
        RequeueChecks().check_all(jobs[:1])
    with django_assert_num_queries(5):
        assert {found.label for found in RequeueChecks().check_all(jobs).values()} == {"safe"}


def test_a_success_before_a_failing_job_was_ordered_is_none_since(dead_job: Callable[..., Job]) -> None:
    payload = {"year": 2023}
    before = Now() - timedelta(days=3)
    dead_job(payload=payload, state=State.SUCCEEDED, finished_at=before, created_at=before)
    assert verdict(dead_job(payload=payload, state=State.FAILED, finished_at=None)).label == "safe"
