"""An upload and its corrections as one story: who may correct what, and what the status says."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from jobs.models import Job
from jobs.payloads.masked import index_payload
from jobs.states import State
from tests.support.ordering import assert_problem
from tests.support.tokens import bearer_of
from tests.support.uploads import make_upload
from uploads.corrections import require_correctable
from uploads.ordering import refuse_wrong_order

pytestmark = pytest.mark.django_db

COUNTS = ("rowsInserted", "rowsUpdated", "rowsUnchanged", "rowsFailed")
Ended = Callable[..., Job]


@pytest.fixture
def ended(owner: User) -> Ended:
    """An upload that has ended with so many rows inserted, updated, unchanged and failed."""

    def ended(*counts: int, state: State = State.SUCCEEDED, of: User = owner, **payload: Any) -> Job:
        job = make_upload(of, "items", b"", **payload)
        written = dict(zip(COUNTS, counts, strict=True))
        phase = "merged" if state == State.SUCCEEDED and not payload.get("dryRun") else "planned"
        result = {"upload": {"phase": phase, "rowsTotal": sum(counts), "rowsBlank": 0, **written}}
        Job.objects.filter(pk=job.pk).update(state=state, result=result, finished_at=Now())
        index_payload(job)
        return job

    return ended


def status(api: APIClient, job: Job) -> dict[str, Any]:
    body: dict[str, Any] = api.get(f"/api/uploads/{job.pk}/status").json()
    return body


def progress(api: APIClient, job: Job) -> tuple[int, ...]:
    told = status(api, job)["correctionProgress"]
    return tuple(told[name] for name in ("rowsCorrected", "rowsRejected", "rowsWritten", "rowsTotal"))


def test_a_chain_of_corrections_reads_as_one_story(api: APIClient, ended: Ended) -> None:
    first = ended(99_000, 0, 0, 1000)
    assert not {"corrects", "correctedBy", "correctionProgress"} & status(api, first).keys()
    rehearsed = ended(988, 0, 0, 12, corrects=str(first.pk), dryRun=True)
    assert progress(api, first) == (0, 1000, 99_000, 100_000)
    second = ended(900, 80, 8, 12, corrects=str(first.pk))
    third = ended(0, 0, 0, 12, corrects=str(second.pk), state=State.DEAD)
    body = status(api, first)
    assert [(one["id"], one["status"], one["dryRun"], one["rowsFailed"]) for one in body["correctedBy"]] == [
        (str(second.pk), "Complete", False, 12),
        (str(rehearsed.pk), "Complete", True, 12),
    ]
    told = body["correctionProgress"]
    assert (told["first"], told["uploads"]) == (str(first.pk), 4)
    assert told["detail"].startswith("988 of 1,000 rejected rows are now in.")
    assert status(api, third)["corrects"] == str(second.pk)
    assert [status(api, job)["correctionProgress"] for job in (second, third)] == [told, told]
    fourth = ended(12, 0, 0, 0, corrects=str(third.pk))
    with CaptureQueriesContext(connection) as asked:
        assert progress(api, fourth) == (1000, 1000, 100_000, 100_000)
    assert len(asked) <= 14, [query["sql"] for query in asked]
    with CaptureQueriesContext(connection) as asked:
        assert len(api.get("/api/uploads").json()["results"]) == 5
    assert not [query for query in asked if "searchterms" in (query["sql"] or "")]


@pytest.mark.parametrize(
    ("first", "is_merged", "corrections", "expected"),
    [
        ((988, 0, 0, 12), False, [(12, 0, 0, 0)], (12, 12, 12, 1000)),  # of an atomic upload, the others are missing
        ((988, 0, 0, 12), False, [(993, 0, 0, 7)], (5, 12, 993, 1000)),  # the whole file
        ((988, 0, 0, 12), False, [(993, 0, 0, 7), (2, 0, 993, 5)], (7, 12, 995, 1000)),
        ((988, 0, 0, 12), True, [(5, 0, 988, 7)], (5, 12, 993, 1000)),
        ((988, 0, 0, 12), True, [(5, 0, 0, 995)], (5, 12, 993, 1000)),  # an insert knows the good rows already
        ((988, 0, 0, 12), True, [(5, 0, 0, 7), (1, 0, 5, 6)], (6, 12, 994, 1000)),  # the same file again
        ((988, 0, 0, 12), True, [(0, 0, 12, 0), (0, 0, 12, 0)], (12, 12, 1000, 1000)),
    ],
)  # fmt: skip
def test_the_rows_that_are_in_are_counted_once(
    first: tuple[int, ...],
    is_merged: bool,
    corrections: list[tuple[int, ...]],
    expected: tuple[int, ...],
    api: APIClient,
    ended: Ended,
) -> None:
    job = ended(*first, state=State.SUCCEEDED if is_merged else State.DEAD)
    for counts in corrections:
        ended(*counts, corrects=str(job.pk))
    assert progress(api, job) == expected


def test_what_was_undone_is_not_in_and_what_was_deleted_still_is(api: APIClient, ended: Ended) -> None:
    first = ended(90, 0, 0, 10)
    second = ended(8, 0, 0, 2, corrects=str(first.pk))
    undo = ended(0, 0, 0, 0, undoes=str(second.pk))
    Job.objects.filter(pk=undo.pk).update(result={"upload": {"phase": "merged", "rowsTotal": 8, "rowsReversed": 6}})
    assert progress(api, first) == (2, 10, 92, 100)
    assert api.delete(f"/api/uploads/{second.pk}").status_code == 204
    third = ended(2, 0, 0, 0, corrects=str(first.pk))
    assert [one["id"] for one in status(api, first)["correctedBy"]] == [str(third.pk)]
    assert progress(api, first) == (4, 10, 94, 100)
    assert api.delete(f"/api/uploads/{first.pk}").status_code == 204
    body = status(api, third)
    assert (body["corrects"], "first" in body["correctionProgress"]) == (str(first.pk), False)


def test_the_uploads_of_others_are_no_part_of_a_story(api: APIClient, ended: Ended, owner: User) -> None:
    eve = User.objects.create_user("eve")
    mine = ended(90, 0, 0, 10)
    ended(10, 0, 0, 0, corrects=str(mine.pk), of=eve)  # no order can do this
    assert not {"correctedBy", "correctionProgress"} & status(api, mine).keys()
    theirs = ended(10, 0, 0, 5, of=eve)
    assert "correctionProgress" not in status(api, ended(5, 0, 0, 0, corrects=str(theirs.pk)))
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {bearer_of(eve)}")
    assert client.get(f"/api/uploads/{mine.pk}/status").status_code == 404


def test_only_ones_own_upload_of_the_type_with_rejected_rows_can_be_corrected(
    send: Callable[..., Any], ended: Ended, owner: User
) -> None:
    require_correctable(owner, "items", ended(1, 0, 0, 1, dryRun=True).pk)
    rejected = ended(1, 0, 0, 1, state=State.DEAD)
    first = send(corrects=rejected.pk, headers={"Idempotency-Key": "k"})
    assert (first.status_code, first.json()["corrects"]) == (202, str(rejected.pk))
    deleted, theirs = ended(1, 0, 0, 1), ended(1, 0, 0, 1, of=User.objects.create_user("eve"))
    Job.objects.filter(pk=deleted.pk).update(owner=None)
    unknown = "You have no upload of this type with this id."
    for query, detail in (
        ({"corrects": theirs.pk}, unknown),
        ({"corrects": deleted.pk}, unknown),
        ({"corrects": rejected.pk, "uploadType": "new-items"}, unknown),
        ({"corrects": first.json()["id"]}, "The upload has not ended yet."),
        ({"corrects": ended(1, 0, 0, 0).pk}, "The upload has no rejected rows."),
    ):
        problem = assert_problem(send(**query), 400, "invalid-request")
        assert problem["errors"] == [{"pointer": "#/corrects", "detail": detail}]
    Job.objects.filter(pk=rejected.pk).update(owner=None)
    again = send(corrects=rejected.pk, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again["Idempotency-Replayed"]) == (202, "true")


def test_an_upload_that_is_deleted_while_its_correction_arrives_is_unknown(
    api: APIClient, ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    rejected = ended(1, 0, 0, 1)

    def check_and_lose(order: dict[str, Any], *, owner: User) -> None:
        refuse_wrong_order(order, owner=owner)
        Job.objects.filter(pk=rejected.pk).update(owner=None)

    monkeypatch.setattr("uploads.api.upload_views.refuse_wrong_order", check_and_lose)
    path = f"/api/uploads?uploadType=items&corrects={rejected.pk}"
    answer = api.post(path, b"Code,Name,Price\nA,B,1\n", content_type="text/csv")
    problem = assert_problem(answer, 400, "invalid-request")
    assert problem["errors"][0]["pointer"] == "#/corrects"
    assert Job.objects.count() == 1
