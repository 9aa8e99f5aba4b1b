"""What a request has committed is answered so, though PostgreSQL is lost the moment after."""

import re
from collections.abc import Callable
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from jobs.dispatch.statements import SUBMIT, SUBMIT_WAITING
from jobs.models import CallbackEndpoint, Job, Queue
from jobs.states import State
from jobs.webhooks.endpoints import disable_endpoint
from tests.support.ordering import ORDER
from tests.support.tokens import bearer_of

pytestmark = pytest.mark.django_db(transaction=True)

WRITES: Final = re.compile(r"INSERT INTO|DELETE FROM|(?<!FOR )(?<!FOR NO KEY )\bUPDATE ")
URL: Final = "https://example.com/hook"


@pytest.fixture(autouse=True)
def nothing_runs(transactional_db: None) -> None:
    """Other tests' workers may be there."""
    Queue.objects.update(paused=True)


class LostAfterCommit:
    """A wrapper of Django's for statements: none is answered any more once something was committed."""

    is_lost = False
    #: An order without a transaction is inserted and confirmed in one trip; the answer comes after both have committed.
    is_inserted = False

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if self.is_lost:
            raise OperationalError("the connection is lost")
        answer = execute(sql, params, many, context)
        is_inserted = str(sql).startswith((SUBMIT, SUBMIT_WAITING)) and not connection.in_atomic_block
        if self.is_inserted or (WRITES.search(str(sql)) and not is_inserted):
            transaction.on_commit(self.lose)  # at once, where there is no transaction
        self.is_inserted = is_inserted
        return answer

    def lose(self) -> None:
        self.is_lost = True


class Visitor:
    """A user, who is staff too: `api` by a token, `page` by a session."""

    def __init__(self, user: User) -> None:
        self.user, self.api, self.page = user, APIClient(), Client()
        self.api.credentials(HTTP_AUTHORIZATION=f"Bearer {bearer_of(user)}")
        self.page.force_login(user)
        self.api.get("/api/tokens")  # the use of the token is noted, once a minute

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.api.post(path, body, **{"format": "json", **options})

    def order(self, **columns: Any) -> Job:
        """An order, and what has become of it."""
        job = Job.objects.get(pk=self.post("/api/reports", ORDER).json()["id"])
        Job.objects.filter(pk=job.pk).update(**columns)
        return job

    def waiting(self) -> Job:
        return self.order()

    def running(self) -> Job:
        return self.order(state=State.RUNNING, started_at=timezone.now())

    def dead(self) -> Job:
        return self.order(state=State.DEAD, finished_at=timezone.now())

    def delivered(self) -> Job:
        delivery = Job.objects.filter(pk=self.post("/api/callbacks/test", {"callbackURL": URL}).json()["id"])
        delivery.update(state=State.SUCCEEDED, finished_at=timezone.now())
        return delivery.get()

    def disabled(self) -> CallbackEndpoint:
        disable_endpoint(self.user.pk, URL, reason="gone")
        return CallbackEndpoint.objects.get()

    def nothing(self) -> None:
        pass


BULK: Final = "/admin/jobs/bulkrun/order/?act=requeue&state=dead"
TOKEN: Final = {"name": "n", "scopes": ["reports:read"]}
#: What there is before, what is sent, and what the answer has to be.
ACTIONS: Final[dict[str, tuple[Callable[[Visitor], Any], Callable[[Visitor, Any], Any], int]]] = {
    "order": (Visitor.nothing, lambda v, _: v.post("/api/reports", ORDER), 202),
    "order with a key": (
        Visitor.nothing, lambda v, _: v.post("/api/reports", ORDER, headers={"Idempotency-Key": "k"}), 202,
    ),
    "retry": (Visitor.dead, lambda v, job: v.post(f"/api/reports/{job.pk}/retry"), 202),
    "cancel what waits": (Visitor.waiting, lambda v, job: v.api.delete(f"/api/reports/{job.pk}"), 202),
    "cancel what runs": (Visitor.running, lambda v, job: v.api.delete(f"/api/reports/{job.pk}"), 202),
    "delete": (Visitor.dead, lambda v, job: v.api.delete(f"/api/reports/{job.pk}"), 204),
    "test a callback": (Visitor.nothing, lambda v, _: v.post("/api/callbacks/test", {"callbackURL": URL}), 202),
    "replay": (Visitor.delivered, lambda v, job: v.post(f"/api/callbacks/{job.pk}/replay"), 202),
    "set the URL": (
        Visitor.nothing, lambda v, _: v.api.put("/api/callbacks/settings", {"callbackURL": URL}, format="json"), 200,
    ),
    "rotate": (Visitor.nothing, lambda v, _: v.post("/api/callbacks/secrets"), 201),
    "enable": (Visitor.disabled, lambda v, row: v.post(f"/api/callbacks/endpoints/{row.pk}/enable"), 200),
    "make a token": (Visitor.nothing, lambda v, _: v.post("/api/tokens", TOKEN), 201),
    "make a token on the page": (Visitor.nothing, lambda v, _: v.page.post("/tokens", {**TOKEN, "days": "1"}), 200),
    "order on the page": (
        Visitor.nothing, lambda v, _: v.page.post("/reports/new?type=yearly-sales", {"parameters.year": "2023"}), 303,
    ),
    "retry on the page": (Visitor.dead, lambda v, job: v.page.post(f"/reports/{job.pk}/retry"), 302),
    "cancel on the page": (Visitor.waiting, lambda v, job: v.page.post(f"/reports/{job.pk}/cancel"), 302),
    "delete on the page": (Visitor.dead, lambda v, job: v.page.post(f"/reports/{job.pk}/delete"), 302),
    "order in bulk": (
        Visitor.nothing, lambda v, _: v.page.post(BULK, {"reason": "r", "jobs_per_second": "5"}), 302,
    ),
}  # fmt: skip


def test_what_was_committed_is_answered_so() -> None:
    """All actions in one test: emptying the tables takes longer than an action."""
    answers = {}
    for action, (prepare, send, _) in ACTIONS.items():
        visitor = Visitor(User.objects.create_superuser(action))
        prepared = prepare(visitor)
        committing = LostAfterCommit()
        with connection.execute_wrapper(committing):
            answers[action] = (send(visitor, prepared).status_code, committing.is_lost)
    assert answers == {action: (status, True) for action, (_, _, status) in ACTIONS.items()}


@pytest.mark.parametrize(("before", "status"), [("waiting", "Canceled"), ("running", "Canceling")])
def test_what_was_canceled_is_told_as_far_as_it_is_known(before: str, status: str) -> None:
    visitor = Visitor(User.objects.create_user("ada"))
    job = getattr(visitor, before)()
    with connection.execute_wrapper(LostAfterCommit()):
        answer = visitor.api.delete(f"/api/reports/{job.pk}")
    assert answer.json()["status"] == status
    assert visitor.api.get(f"/api/reports/{job.pk}/status").json()["status"] == status
