"""Payloads that a kind's code does not understand."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client

from jobs.inspection import Inspector
from jobs.kinds import Kind, register_kind
from jobs.models import Job
from jobs.payloads.masked import masked_payload, secrets_of
from jobs.states import State

pytestmark = pytest.mark.django_db


class Fussy(Inspector):
    def sensitive_names(self, payload: dict[str, Any]) -> list[str]:
        return list(payload["names"])


@pytest.fixture
def fussy(kind_of: Callable[..., str]) -> str:
    kind_of(lambda context: None)
    register_kind(Kind("fussy", "reports", lambda context: None, inspector=Fussy()))
    return "fussy"


def test_where_the_kinds_code_fails_everything_is_a_secret(fussy: str, make_job: Callable[..., Job]) -> None:
    job = make_job(kind=fussy, payload={"city": "Tokyo", "deep": {"year": 2023}})
    assert masked_payload(job) == {"city": "***", "deep": "***"}
    assert secrets_of(job) == {"Tokyo", "2023"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["report", "fussy", "gone"])
@pytest.mark.parametrize("payload", [["a"], "text", 7, True, {"reportType": 7}, {"parameters": []}], ids=str)
def test_whatever_stands_in_a_payload_its_pages_open(
    kind: str, payload: Any, fussy: str, client: Client, make_job: Callable[..., Job]
) -> None:
    client.force_login(User.objects.create_superuser("root"))
    job = make_job(kind=kind, payload=payload, state=State.DEAD, released_at=None, finished_at=Now(), result="odd")
    path = f"/admin/jobs/job/{job.pk}"
    assert [client.get(f"{path}/{page}/").status_code for page in ("change", "edit")] == [200, 200]
    assert client.post("/admin/jobs/job/", {"action": "requeue_jobs", "_selected_action": job.pk}).status_code == 200
    sent = client.post("/admin/jobs/job/", {"action": "export_jobs", "_selected_action": job.pk})
    assert b"".join(sent.streaming_content).count(b"\n") == 2  # type: ignore[attr-defined]
