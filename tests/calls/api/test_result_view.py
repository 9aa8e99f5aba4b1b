"""The result of a call over HTTP: what the type returned, whole or not at all."""

import hashlib
import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from calls.attempt import MAX_INLINE_RESULT_BYTES
from jobs.files.storage import artifact_storage
from jobs.models import Artifact, Job
from jobs.states import State
from tests.support.ordered_calls import called, called_for_text, ordered
from tests.support.ordering import assert_problem

pytestmark = pytest.mark.django_db


def path_of(job: Job) -> str:
    return f"/api/calls/{job.pk}/result"


def test_a_small_result_is_the_value_that_the_type_returned(api: APIClient, owner: User) -> None:
    job = called(owner, 1, 2)
    with CaptureQueriesContext(connection) as asked:
        answer = api.get(path_of(job))
    assert len(asked) <= 3, [query["sql"] for query in asked]
    body = b'{"total":6,"doubled":[2,4]}'
    assert (answer.status_code, answer.content) == (200, body)
    assert {name: answer[name] for name in (
        "Content-Type", "Content-Length", "ETag", "Cache-Control", "X-Content-Type-Options", "Content-Disposition",
    )} == {
        "Content-Type": "application/json", "Content-Length": str(len(body)),
        "ETag": f'"{hashlib.sha256(body).hexdigest()}"', "Cache-Control": "private, no-transform",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": "attachment; filename=\"result.json\"; filename*=UTF-8''result.json",
    }  # fmt: skip
    head = api.head(path_of(job))
    assert (head.status_code, head.content, head["Content-Length"]) == (200, b"", str(len(body)))
    assert head["ETag"] == answer["ETag"]
    known = api.get(path_of(job), headers={"If-None-Match": answer["ETag"]})
    assert (known.status_code, known.content, known["ETag"]) == (304, b"", answer["ETag"])
    other = api.get(path_of(job), headers={"If-None-Match": '"other"'})
    assert other.status_code == 200
    assert_problem(api.get(path_of(job), headers={"If-Match": '"other"'}), 412, "precondition-failed")


@pytest.mark.parametrize("value", ["null", "[]", "0", '""', "false", '{"a":"\\u00e9<script>"}'])
def test_each_json_value_can_be_a_result(value: str, api: APIClient, owner: User) -> None:
    job = called(owner, 1)
    Job.objects.filter(pk=job.pk).update(result={"value": json.loads(value)})
    answer = api.get(path_of(job))
    assert (answer.status_code, answer.content.decode()) == (200, value)


@pytest.mark.parametrize("letter", ["x", "é"])
def test_a_large_result_is_sent_from_its_file(letter: str, api: APIClient, owner: User) -> None:
    job = called_for_text(owner, MAX_INLINE_RESULT_BYTES, letter=letter)
    assert job.result == {}
    answer = api.get(path_of(job))
    assert (answer.status_code, answer.streaming, answer["Content-Type"]) == (200, True, "application/json")
    body = b"".join(answer)
    assert json.loads(body) == {"text": letter * MAX_INLINE_RESULT_BYTES, "secret": None}
    assert (answer["Content-Length"], answer["ETag"]) == (str(len(body)), f'"{hashlib.sha256(body).hexdigest()}"')
    assert api.get(path_of(job), headers={"If-None-Match": answer["ETag"]}).status_code == 304
    assert api.head(path_of(job))["Content-Length"] == str(len(body))
    part = api.get(path_of(job), headers={"Range": "bytes=2-5"})
    assert (part.status_code, b"".join(part)) == (206, b"text")


def test_the_limit_of_a_small_result_is_exact(owner: User) -> None:
    around = len('{"text":"","secret":null}')
    jobs = [called_for_text(owner, MAX_INLINE_RESULT_BYTES - around + more) for more in (0, 1)]
    assert [bool(job.result) for job in jobs] == [True, False]
    assert [Artifact.objects.filter(job=job, role="result").count() for job in jobs] == [0, 1]


def test_there_is_no_result_before_the_end(api: APIClient, owner: User) -> None:
    for job in (ordered(owner, 1), called(owner, 17), called(owner, 19)):
        problem = api.get(path_of(job))
        assert_problem(problem, 409, "not-ready")
        assert int(problem["Retry-After"]) >= 1
    failed = called(owner, 13)
    assert_problem(api.get(path_of(failed)), 409, "call-failed")
    canceled = ordered(owner, 1)
    api.delete(f"/api/calls/{canceled.pk}")
    assert_problem(api.get(path_of(canceled)), 410, "canceled")


def test_a_large_result_expires_and_may_be_lost(api: APIClient, owner: User) -> None:
    expired, lost = (called_for_text(owner, 300_000) for _ in range(2))
    Artifact.objects.filter(job=expired).update(expires_at=Now() - timedelta(seconds=1))
    assert_problem(api.get(path_of(expired)), 410, "expired")
    artifact_storage().delete(Artifact.objects.get(job=lost, role="result").storage_name)
    assert_problem(api.get(path_of(lost)), 410, "file-lost")


def test_the_value_of_an_earlier_failure_is_no_result(api: APIClient, owner: User) -> None:
    job = called(owner, 13)
    Job.objects.filter(pk=job.pk).update(state=State.SUCCEEDED)
    assert_problem(api.get(path_of(job)), 410, "file-lost")
