"""The page of one job, and what is done from it."""

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from django_celery_results.models import TaskResult

from jobs.models import Artifact, Attempt, AuditEntry, Event, Job, PayloadRevision
from jobs.states import State
from reports.ordering import place_order

pytestmark = pytest.mark.django_db
SECRET = "hunter2-hunter2"


@pytest.fixture
def dead_job(make_job: Callable[..., Job]) -> Job:
    job = make_job(
        kind="report", type="yearly-sales", state=State.DEAD, released_at=None, finished_at=Now(), fencing_token=1,
        payload={"reportType": "yearly-sales", "apiKey": SECRET, "parameters": {"year": 2023}},
        error_class="E", error_message=f"refused {SECRET}", result={"error": {"code": "x", "detail": SECRET}},
    )  # fmt: skip
    TaskResult.objects.create(task_id="t-1")
    Attempt.objects.create(
        job=job, number=1, fencing_token=1, worker="w", celery_task_id="t-1", outcome="failed", finished_at=Now(),
        error_class="E", error_message=f"refused {SECRET}", traceback=f"Traceback {SECRET}", peak_memory_bytes=2**20,
    )  # fmt: skip
    Event.objects.create(job=job, name="submitted", actor="ada")
    Event.objects.create(job=job, name="failed", details={"attempt": 1, "error": SECRET})
    return job


def url(name: str, job: Job, *more: Any) -> str:
    return reverse(f"admin:jobs_job_{name}", args=[job.pk, *more])


def page(client: Client, job: Job) -> str:
    response = client.get(url("change", job))
    assert response.status_code == 200
    return response.content.decode()


def test_no_secret_stands_on_the_page_the_list_or_in_the_export(member: Callable[[str], Client], dead_job: Job) -> None:
    client = member("administrator")
    assert SECRET not in page(client, dead_job)
    listing = reverse("admin:jobs_job_changelist")
    assert SECRET not in client.get(listing).content.decode()
    Job.objects.update(error_message="refused")  # what a worker stores holds no secret
    sent = client.post(listing, {"action": "export_jobs", "_selected_action": [str(dead_job.pk)]})
    exported = b"".join(sent.streaming_content).decode()  # type: ignore[attr-defined]
    assert "yearly-sales" in exported
    assert "***" in exported
    assert SECRET not in exported


def test_the_page_shows_the_attempt_with_its_celery_result(member: Callable[[str], Client], dead_job: Job) -> None:
    shown = page(member("viewer"), dead_job)
    result = TaskResult.objects.get()
    assert reverse("admin:django_celery_results_taskresult_change", args=[result.pk]) in shown
    assert "1.0\xa0MB" in shown
    assert "Traceback ***" in shown


def test_revealing_takes_a_permission_and_is_kept(member: Callable[[str], Client], dead_job: Job) -> None:
    assert member("operator").post(url("reveal", dead_job)).status_code == 403
    administrator = member("administrator")
    assert administrator.get(url("reveal", dead_job)).status_code == 405
    assert not AuditEntry.objects.exists()
    revealed = administrator.post(url("reveal", dead_job))
    assert SECRET in revealed.content.decode()
    assert "no-store" in revealed["Cache-Control"]
    assert AuditEntry.objects.values_list("actor", "action", "target_id").get() == (
        "administrator", "reveal", str(dead_job.pk),
    )  # fmt: skip
    assert SECRET not in page(administrator, dead_job)


def test_a_file_is_downloaded_by_whom_it_is_allowed_and_that_is_kept(
    member: Callable[[str], Client], dead_job: Job
) -> None:
    storages["artifacts"].save("aa/x.1.result", ContentFile(b"a,b\n"))
    artifact = Artifact.objects.create(
        job=dead_job, role="result", storage_name="aa/x.1.result", filename="x.csv", content_type="text/csv",
        row_count=0, size_bytes=4, sha256="00" * 32, published_at=Now(),
    )  # fmt: skip
    assert member("operator").get(url("download", dead_job, artifact.pk)).status_code == 403
    administrator = member("administrator")
    got = administrator.get(url("download", dead_job, artifact.pk))
    assert b"".join(got.streaming_content) == b"a,b\n"  # type: ignore[attr-defined]
    assert AuditEntry.objects.values_list("action", "actor").get() == ("download", "administrator")
    storages["artifacts"].delete("aa/x.1.result")
    lost = administrator.get(url("download", dead_job, artifact.pk), follow=True).content.decode()
    assert "The file cannot be downloaded: aa/x.1.result is not in storage." in lost
    assert "This file is missing from storage or has the wrong size" in lost
    listed = reverse("admin:jobs_artifact_changelist") + "?damaged=yes"
    assert "x.csv" in administrator.get(listed).content.decode()
    Artifact.objects.update(damaged_at=None)
    assert "x.csv" not in administrator.get(listed).content.decode()
    other = Job.objects.create(kind="test", queue="reports", payload={}, max_attempts=1)
    assert Client().get(url("download", other, artifact.pk)).status_code == 302
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    assert client.get(url("download", other, artifact.pk)).status_code == 404


@pytest.fixture
def dead_report(owner: User) -> Job:
    job = place_order(owner=owner, data={"reportType": "yearly-sales", "parameters": {"year": 2023}}).job
    Job.objects.filter(pk=job.pk).update(state=State.DEAD, finished_at=Now(), fencing_token=1, released_at=None)
    return job


def edited(year: object, **more: str) -> dict[str, object]:
    fields = {"csv/encoding": "utf-8", "csv/delimiter": ",", "csv/spreadsheetSafe": "on", "csv/compression": "none"}
    return {**fields, "csv/errors": "strict", "parameters/year": year, "seen": "1", "reason": "typo", **more}


def test_a_payload_is_edited_in_a_form_and_requeued_once_its_difference_was_seen(
    member: Callable[[str], Client], dead_report: Job
) -> None:
    client = member("operator")
    form = client.get(url("edit", dead_report)).content.decode()
    assert 'name="parameters/year"' in form
    assert 'value="2023"' in form
    difference = client.post(url("edit", dead_report), edited(2024)).content.decode()
    assert "<del>-     &quot;year&quot;: 2023</del>" in difference
    assert "<ins>+     &quot;year&quot;: 2024</ins>" in difference
    dead_report.refresh_from_db()
    assert (dead_report.state, dead_report.payload["parameters"]) == ("dead", {"year": 2023})
    client.post(url("edit", dead_report), edited(2024, post="yes"))
    dead_report.refresh_from_db()
    assert (dead_report.state, dead_report.payload["parameters"]) == ("queued", {"year": 2024})
    assert "year=2024" in dead_report.search_terms.terms
    revision = PayloadRevision.objects.get()
    assert (revision.payload["parameters"], revision.replaced_by) == ({"year": 2023}, "operator")
    assert list(AuditEntry.objects.order_by("id").values_list("action", "reason")) == [
        ("edit", "typo"), ("requeue", "typo"),
    ]  # fmt: skip
    assert "Before operator edited it" in page(client, dead_report)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"parameters/year": "1066"}, "greater than or equal to 1990"),
        ({"parameters/year": ""}, "This field is required."),
        ({"parameters/year": "x"}, "Enter a whole number."),
        ({"reason": " "}, "This field is required."),
        ({"parameters/year": "2023"}, "Nothing has changed."),
    ],
)
def test_an_edit_that_is_wrong_is_refused_with_the_reason(
    member: Callable[[str], Client], dead_report: Job, change: dict[str, str], complaint: str
) -> None:
    sent = edited(2024) | change | {"post": "yes"}
    assert complaint in member("operator").post(url("edit", dead_report), sent).content.decode()
    dead_report.refresh_from_db()
    assert dead_report.state == "dead"


def test_an_edit_of_a_job_that_has_run_since_changes_nothing(member: Callable[[str], Client], dead_report: Job) -> None:
    Job.objects.update(fencing_token=2)
    answer = member("operator").post(url("edit", dead_report), edited(2024, post="yes"), follow=True)
    assert "it has run again in the meantime" in answer.content.decode()
    assert not PayloadRevision.objects.exists()


def test_a_payload_without_a_schema_is_edited_as_json_and_its_secrets_stay(
    member: Callable[[str], Client], make_job: Callable[..., Job], kind_of: Callable[..., str]
) -> None:
    kind_of(lambda context: None)
    job = make_job(state=State.DEAD, payload={"token": SECRET, "a": 1}, released_at=None)
    client = member("operator")
    assert SECRET not in client.get(url("edit", job)).content.decode()
    sent = {"payload": json.dumps({"token": "***", "a": 2}), "reason": "r", "seen": "0", "post": "yes"}
    client.post(url("edit", job), sent)
    job.refresh_from_db()
    assert (job.state, job.payload) == ("queued", {"token": SECRET, "a": 2})
    assert SECRET not in str(list(AuditEntry.objects.values_list("before", "after")))


def test_whether_a_secret_was_guessed_is_not_told(
    member: Callable[[str], Client], make_job: Callable[..., Job], kind_of: Callable[..., str]
) -> None:
    kind_of(lambda context: None)
    job = make_job(state=State.DEAD, payload={"token": SECRET, "a": 1}, released_at=None)
    client = member("operator")

    def answer(token: str) -> str:
        sent = {"payload": json.dumps({"token": token, "a": 1}), "reason": "r", "seen": "0"}
        shown = client.post(url("edit", job), sent).content.decode().replace(token, "")
        return re.sub(r'csrfmiddlewaretoken" value="[^"]+"', "", shown)

    assert answer(SECRET) == answer("another-secret")
    assert "a secret was entered again" in answer(SECRET)
    assert "Nothing has changed." in answer("***")


def test_a_job_that_has_not_failed_cannot_be_edited(member: Callable[[str], Client], make_job: Any) -> None:
    answer = member("operator").get(url("edit", make_job()), follow=True)
    assert "only dead and failed jobs can be edited" in answer.content.decode()


def test_the_history_is_part_of_the_page(member: Callable[[str], Client], dead_job: Job) -> None:
    assert member("viewer").get(url("history", dead_job))["Location"] == url("change", dead_job) + "#history"


@pytest.mark.parametrize("pk", ["01a2097c-ea30-71fb-943c-427e640c82df", "nonsense"])
def test_a_job_that_is_not_there_is_said_to_be_so(member: Callable[[str], Client], pk: str) -> None:
    answer = member("viewer").get(reverse("admin:jobs_job_change", args=[pk]), follow=True)
    assert "exist" in answer.content.decode()


def test_an_export_cannot_be_run_by_a_spreadsheet(
    member: Callable[[str], Client], make_job: Callable[..., Job], kind_of: Callable[..., str]
) -> None:
    kind_of(lambda context: None)
    job = make_job(error_message="＝cmd|' /C calc'!A0", payload={"a": 1})
    chosen = {"action": "export_jobs", "_selected_action": [str(job.pk)]}
    sent = member("viewer").post(reverse("admin:jobs_job_changelist"), chosen)
    rows = list(csv.DictReader(io.StringIO(b"".join(sent.streaming_content).decode())))  # type: ignore[attr-defined]
    assert [(row["id"], row["owner"], row["error_message"], row["payload"]) for row in rows] == [
        (str(job.pk), "ada", "'＝cmd|' /C calc'!A0", '{"a": 1}'),
    ]  # fmt: skip
