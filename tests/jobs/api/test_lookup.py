"""How the job of a request is found, by how many queries."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.http import Http404, HttpRequest
from django.utils import timezone

from jobs.api.lookup import get_job, get_requeued
from jobs.models import Artifact, Job
from jobs.postgres.deadlines import answering_within
from jobs.states import State
from tests.support.outages import locked

pytestmark = pytest.mark.django_db


def request_of(user: User | AnonymousUser) -> HttpRequest:
    request = HttpRequest()
    request.user = user
    return request


@pytest.fixture
def published(make_job: Callable[..., Job]) -> Callable[..., Artifact]:
    """The file of a job in some state; it is published unless told otherwise."""

    def make(state: State, **values: Any) -> Artifact:
        described: dict[str, Any] = {
            "role": "result", "storage_name": "a", "filename": "a.csv", "content_type": "text/csv", "encoding": "utf-8",
            "row_count": 1, "size_bytes": 1, "sha256": "0" * 64, "published_at": timezone.now(),
        }  # fmt: skip
        return Artifact.objects.create(job=make_job(state=state), **{**described, **values})

    return make


def test_a_job_is_as_the_orm_reads_it_by_one_query(
    owner: User, make_job: Callable[..., Job], django_assert_num_queries: Any
) -> None:
    made = make_job(payload={"a": [1, "ü"]})
    with django_assert_num_queries(1):
        job = get_job(request_of(owner), str(made.pk), kind="test")
        assert job.result_artifact is None
    columns = [field.attname for field in Job._meta.concrete_fields]
    expected = Job.objects.get(pk=made.pk)
    assert {name: getattr(job, name) for name in columns} == {name: getattr(expected, name) for name in columns}


def test_the_file_of_a_succeeded_job_is_read_by_the_same_query(
    owner: User, published: Callable[..., Artifact], django_assert_num_queries: Any
) -> None:
    artifact = published(State.SUCCEEDED)
    expected = Artifact.objects.get(pk=artifact.pk)
    with django_assert_num_queries(1):
        read = get_job(request_of(owner), str(artifact.job_id)).result_artifact
    columns = [field.attname for field in Artifact._meta.concrete_fields]
    assert {name: getattr(read, name) for name in columns} == {name: getattr(expected, name) for name in columns}


def test_a_file_that_was_not_read_with_its_job_is_no_silent_query(
    published: Callable[..., Artifact], django_assert_num_queries: Any
) -> None:
    job = Job.objects.get(pk=published(State.SUCCEEDED).job_id)
    with django_assert_num_queries(0), pytest.raises(RuntimeError, match="use with_result"):
        _ = job.result_artifact


def test_the_files_of_a_list_take_one_query(published: Callable[..., Artifact], django_assert_num_queries: Any) -> None:
    artifacts = [published(State.SUCCEEDED) for _ in range(2)]
    with django_assert_num_queries(2):
        assert [job.result_artifact for job in Job.objects.with_result().order_by("pk")] == artifacts


@pytest.mark.parametrize("values", [{"published_at": None}, {"role": "source"}])
def test_a_file_that_is_not_the_published_result_is_none(
    published: Callable[..., Artifact], owner: User, values: dict[str, Any]
) -> None:
    job = published(State.SUCCEEDED, **values).job
    assert Job.objects.with_result().get().result_artifact is None
    assert get_job(request_of(owner), str(job.pk)).result_artifact is None


def test_somebody_elses_job_and_one_of_another_kind_are_not_there(make_job: Callable[..., Job], owner: User) -> None:
    job, unowned = make_job(), make_job(owner=None)
    other = request_of(User.objects.create_user("bob"))
    for request, pk, kind in (
        (other, job.pk, None),
        (request_of(owner), job.pk, "report"),
        (request_of(owner), uuid4(), None),
        (request_of(owner), "no-id", None),
        (request_of(AnonymousUser()), unowned.pk, None),
    ):
        with pytest.raises(Http404):
            get_job(request, str(pk), kind=kind)


@pytest.mark.django_db(transaction=True)
def test_a_job_that_was_requeued_is_known_to_wait_though_postgresql_does_not_answer(
    owner: User, make_job: Callable[..., Job]
) -> None:
    job = make_job(state=State.DEAD, attempt_count=5, result={"error": {}}, progress_details={"phase": "planned"})
    with locked("LOCK TABLE jobs_job"), answering_within(0.2):
        requeued = get_requeued(request_of(owner), job)
    connection.close()  # nobody could tell what an answer that comes late is one to
    assert (requeued.pk, requeued.state, requeued.attempt_count) == (job.pk, State.QUEUED, 0)
    assert (requeued.result, requeued.progress_details) == (None, None)
    assert get_requeued(request_of(owner), job).state == State.DEAD, "what PostgreSQL says counts"
