"""`reuse`: an equal report that is there already, on request."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework.test import APIClient

from jobs.announcing import announce_end
from jobs.models import Artifact, Job
from jobs.states import State
from tests.support.ordering import ORDER, assert_problem, post

pytestmark = pytest.mark.django_db

REUSING = {**ORDER, "reuse": True}


def complete(**artifact: Any) -> None:
    """Everything that was ordered has its file by now."""
    for job in Job.objects.all():
        Artifact.objects.update_or_create(
            job=job, role="result", defaults={"attempt": 1, "storage_name": "x", "filename": "x", "row_count": 0,
            "size_bytes": 0, "published_at": timezone.now(), **artifact},
        )  # fmt: skip
    Job.objects.update(state=State.SUCCEEDED, finished_at=Now())


def test_an_equal_report_of_mine_is_taken_on_its_way_and_when_complete(api: APIClient) -> None:
    first = post(api, {**ORDER, "parameters": {"year": 2023}}).json()
    for is_complete in (False, True):
        if is_complete:
            complete()
        answer = post(api, REUSING)
        assert (answer.status_code, answer["Report-Reused"]) == (202, "true")
        assert (answer.json()["id"], answer["Location"]) == (first["id"], f"/api/reports/{first['id']}/status")
    assert answer.json()["status"] == "Complete"
    assert Job.objects.count() == 1


def test_it_is_only_taken_on_request(api: APIClient) -> None:
    post(api, ORDER)
    answer = post(api, {**ORDER, "reuse": False})
    assert "Report-Reused" not in answer
    assert Job.objects.count() == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda: Job.objects.update(owner=User.objects.create_user("stranger")),
        lambda: Job.objects.update(created_at=Now() - timedelta(minutes=61)),
        lambda: Job.objects.update(state=State.DEAD),
        lambda: Job.objects.update(state=State.CANCELLED),
        lambda: Job.objects.update(state=State.RUNNING, cancel_requested_at=Now()),
        lambda: complete(deleted_at=timezone.now()),
        lambda: complete(expires_at=timezone.now() - timedelta(seconds=1)),
        lambda: complete(damaged_at=timezone.now()),
    ],
    ids=["a stranger's", "too old", "failed", "canceled", "canceling", "purged", "expired", "damaged"],
)
def test_what_is_of_no_use_is_not_taken(change: Callable[[], None], api: APIClient) -> None:
    first = post(api, ORDER).json()
    change()
    answer = post(api, REUSING)
    assert "Report-Reused" not in answer
    assert answer.json()["id"] != first["id"]


def test_a_reused_report_also_calls_back_who_asks_now(api: APIClient) -> None:
    there, here = "https://there.example/", "https://here.example/"
    post(api, {**ORDER, "callbackURL": there})
    for _ in range(2):  # once, however often
        post(api, {**REUSING, "callbackURL": here})
    job = Job.objects.get()
    assert (job.calls_back, list(job.callbacks.order_by("pk").values_list("url", flat=True))) == (True, [there, here])
    complete()
    assert len(announce_end(job.pk)) == 2
    post(api, {**REUSING, "callbackURL": "https://late.example/"})
    newest = Job.objects.filter(kind="callback").latest("pk")
    assert (newest.payload["url"], newest.payload["job"]) == ("https://late.example/", str(job.pk))
    assert Job.objects.filter(kind="callback").count() == 3


def test_another_format_is_another_report(api: APIClient) -> None:
    post(api, {**ORDER, "csv": {"encoding": "cp932"}})
    assert "Report-Reused" not in post(api, REUSING)


def test_reuse_is_yes_or_no(api: APIClient) -> None:
    problem = assert_problem(post(api, {**ORDER, "reuse": "perhaps"}), 400, "invalid-request")
    assert [error["pointer"] for error in problem["errors"]] == ["#/reuse"]
