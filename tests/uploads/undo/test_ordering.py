"""What may be undone, by whom, and how often."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from rest_framework.test import APIClient

from jobs.models import Artifact, Job
from jobs.states import State
from jobs.types.inspector import TypedInspector
from tests.support.apps.warehouse.models import Item, Tenant
from tests.support.ordering import assert_problem
from tests.support.threads import Threads
from tests.support.tokens import bearer_of, client_of
from tests.support.uploads import run, upload
from uploads.ordering import ORDERING

pytestmark = pytest.mark.django_db(transaction=True)

FILE = "Code,Name,Price\nA-1,Bolt,1\n"


@pytest.fixture(autouse=True)
def tenant(owner: User) -> Tenant:
    return Tenant.objects.create(code=owner.get_username())


@pytest.fixture
def ask(api: APIClient) -> Callable[..., Any]:
    """Request the undo of a job."""

    def ask(job: Any, *, client: APIClient = api, **headers: str) -> Any:
        return client.post(f"/api/uploads/{getattr(job, 'pk', job)}/undo", headers=headers)

    return ask


def status(api: APIClient, job: Any) -> dict[str, Any]:
    return dict(api.get(f"/api/uploads/{getattr(job, 'pk', job)}/status").json())


def test_an_upload_is_undone_once(api: APIClient, owner: User, ask: Callable[..., Any]) -> None:
    job = upload(owner, "items", FILE)
    assert status(api, job)["undoURL"] == f"/api/uploads/{job.pk}/undo"
    answer = ask(job, **{"Idempotency-Key": "k"})
    assert answer.status_code == 202, answer.content
    body = answer.json()
    assert (body["status"], body["uploadType"], body["undoes"], body["phase"]) == (
        "Queued",
        "items",
        str(job.pk),
        "received",
    )
    assert answer["Location"] == f"/api/uploads/{body['id']}/status"
    assert answer["Operation-Location"].endswith(f"/api/operations/{body['id']}")
    again = ask(job, **{"Idempotency-Key": "k"})
    assert (again.status_code, again.json()["id"], again["Idempotency-Replayed"]) == (202, body["id"], "true")
    assert assert_problem(ask(job), 409, "already-undone")["undoneBy"] == body["id"]
    assert "undoURL" not in (shown := status(api, job))
    assert shown["undoneBy"] == body["id"]
    undo = Job.objects.get(pk=body["id"])
    assert (undo.kind, undo.queue, undo.type, undo.owner) == ("upload", "uploads", "items", owner)
    payload = TypedInspector(ORDERING).validate(undo.payload, owner)
    assert payload == undo.payload  # staff can edit it

    # canceled: it can be ordered again
    assert api.delete(f"/api/uploads/{undo.pk}").status_code == 202
    second = Job.objects.get(pk=ask(job).json()["id"])
    Job.objects.filter(pk=second.pk).update(released_at=Now())
    assert run(second).state == State.SUCCEEDED
    assert not Item.objects.exists()
    shown = status(api, second)
    names = ("status", "phase", "undoes", "rowsTotal", "rowsReversed", "rowsDeleted", "rowsKept", "keptGroups")
    assert [shown[name] for name in names] == ["Complete", "merged", str(job.pk), 1, 1, 1, 0, []]
    assert {"undoURL", "undoneBy"} & shown.keys() == set()
    assert b"".join(api.get(shown["resultsURL"])) == b"record,key,action,reason,detail\n1,A-1,deleted,,\n"
    assert api.get(f"/api/uploads/{second.pk}").json()["undoes"] == str(job.pk)
    assert status(api, job)["undoneBy"] == str(second.pk)
    assert_problem(ask(job), 409, "already-undone")
    assert_problem(ask(second), 409, "not-undoable")


def test_of_undos_at_once_one_is_placed_and_named_to_the_others(owner: User) -> None:
    job = upload(owner, "items", FILE)
    clients = [client_of(owner) for _ in range(6)]
    with Threads(6) as threads:
        answers = list(threads.map(lambda client: client.post(f"/api/uploads/{job.pk}/undo"), clients))
    [placed] = [answer.json()["id"] for answer in answers if answer.status_code == 202]
    refused = [answer for answer in answers if answer.status_code != 202]
    assert {assert_problem(answer, 409, "already-undone")["undoneBy"] for answer in refused} == {placed}


def test_a_retry_of_another_undo_does_not_undo_the_same_upload_again(owner: User, ask: Callable[..., Any]) -> None:
    job = upload(owner, "items", FILE)
    first = Job.objects.get(pk=ask(job).json()["id"])
    Job.objects.filter(pk=first.pk).update(state=State.DEAD)
    second = Job.objects.get(pk=ask(job).json()["id"])
    Job.objects.filter(pk=second.pk).update(released_at=Now())
    assert run(second).state == State.SUCCEEDED
    upload(owner, "items", FILE)
    Job.objects.filter(pk=first.pk).update(state=State.QUEUED, released_at=Now())
    ended = run(first)
    assert (ended.state, (ended.result or {})["error"]["code"]) == (State.DEAD, "already-undone")
    assert Item.objects.exists()


def test_what_cannot_be_undone(api: APIClient, owner: User, ask: Callable[..., Any], tenant: Tenant) -> None:
    dry = upload(owner, "items", FILE, dryRun=True)
    failed = upload(owner, "items", "Code,Name,Price\nA-1,Bolt,x\n")
    job = upload(owner, "items", FILE)
    same = upload(owner, "items", FILE)
    assert not Artifact.objects.filter(job__in=[dry, failed, same], role="before").exists()
    for one in (dry, failed, same):
        assert {"undoURL", "undoneBy"} & status(api, one).keys() == set()
    assert_problem(ask(dry), 409, "nothing-to-undo")
    assert_problem(ask(same), 409, "nothing-to-undo")
    assert_problem(ask(failed), 409, "not-complete")
    assert_problem(ask(uuid4()), 404, "not-found")
    other, reading = APIClient(), APIClient()
    other.credentials(HTTP_AUTHORIZATION=f"Bearer {bearer_of(User.objects.create_user('eve'))}")
    reading.credentials(HTTP_AUTHORIZATION=f"Bearer {bearer_of(owner, 'uploads:read')}")
    assert_problem(ask(job, client=other), 404, "not-found")
    assert_problem(ask(job, client=reading), 403, "insufficient-scope")
    Tenant.objects.filter(pk=tenant.pk).update(code="renamed")
    assert_problem(ask(job), 400, "unknown-upload-type")
    Tenant.objects.filter(pk=tenant.pk).update(code=owner.get_username())
    images = Artifact.objects.filter(job=job, role="before")
    images.update(expires_at=Now() - timedelta(seconds=1))
    assert "undoURL" not in status(api, job)
    assert_problem(ask(job), 410, "expired")
    images.update(expires_at=None)
    undo = Job.objects.get(pk=ask(job).json()["id"])
    images.update(deleted_at=Now())
    Job.objects.filter(pk=undo.pk).update(released_at=Now())
    ended = run(undo)
    assert (ended.state, (ended.result or {})["error"]["code"]) == (State.DEAD, "images-expired")
