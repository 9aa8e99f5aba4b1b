"""What is told about an upload: its status as the pipeline writes it, its files, its type."""

import csv
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient
from rest_framework.utils.encoders import JSONEncoder

from jobs.files.artifacts import storage_name
from jobs.files.storage import artifact_storage
from jobs.models import Artifact, Job
from jobs.states import State
from tests.support.ordering import assert_problem
from tests.support.tokens import bearer_of
from uploads.schemas import json_schema, table_schema
from uploads.types import UPLOAD_TYPES

pytestmark = pytest.mark.django_db

ERROR = {
    "line": 3, "endLine": 4, "record": 2, "byte": 40, "column": "Preis", "code": "type-error",
    "message": "12x is not a number.", "value": "12x",
}  # fmt: skip
SECRET = {**ERROR, "column": "Notiz", "message": "“hush” is too long.", "value": "hush"}
COUNTS = {
    "rowsTotal": 9, "rowsInserted": 3, "rowsUpdated": 2, "rowsUnchanged": 1, "rowsFailed": 2, "rowsBlank": 1,
    "bytesRead": 400, "encoding": "cp932", "delimiter": ";",
}  # fmt: skip
Make = Callable[..., Job]


@pytest.fixture
def make(owner: User) -> Make:
    """An upload of the owner, with rows for files of these roles."""

    def make(*roles: str, of: str = "new-items", **columns: Any) -> Job:
        payload = {
            "uploadType": of, "parameters": {}, "language": "en", "csv": {"encoding": None, "delimiter": None},
            "file": {"filename": "a.csv", "sizeBytes": 400, "sha256": "0" * 64}, "mode": "partial", "dryRun": False,
            "plan": None, "corrects": None, "repeats": None,
        }  # fmt: skip
        job = Job.objects.create(
            kind="upload", queue="uploads", type=of, owner=owner, payload=payload, max_attempts=5, **columns
        )
        for role in roles:
            Artifact.objects.create(
                job=job, role=role, storage_name=storage_name(job.pk, 1, role), filename=f"{role}.csv", row_count=2,
                content_type="text/csv", size_bytes=10, sha256="0" * 64, published_at=Now(),
                expires_at=Now() + timedelta(days=1),
            )  # fmt: skip
        return job

    return make


def status(api: APIClient, job: Job) -> dict[str, Any]:
    answer = api.get(f"/api/uploads/{job.pk}/status")
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def test_a_running_upload_tells_its_phase_and_counts(api: APIClient, make: Make) -> None:
    assert status(api, make())["phase"] == "received"
    details = {"phase": "staged", "bytesRead": 200, "rowsTotal": 5}
    body = status(api, make(state=State.RUNNING, progress_details=details, started_at=Now()))
    assert {name: body.get(name) for name in (*details, "status")} == {**details, "status": "In Progress"}
    assert {"rowsSucceeded", "errorReportURL", "uploadURL"} & body.keys() == set()


def test_an_ended_upload_tells_its_counts_errors_and_files(api: APIClient, make: Make) -> None:
    written = {
        "phase": "merged",
        **COUNTS,
        "warnings": [{"code": "w", "detail": "d"}],
        "errorsPreview": [ERROR, SECRET],
    }
    job = make("source", "errors", "results", state=State.SUCCEEDED, result={"upload": written}, finished_at=Now())
    with CaptureQueriesContext(connection) as asked:
        body = status(api, job)
    assert len(asked) <= 5, [query["sql"] for query in asked]  # one of them: it has rejected rows, so is it corrected?
    assert {name: body[name] for name in COUNTS} == COUNTS
    assert (body["status"], body["phase"], body["rowsSucceeded"]) == ("Complete", "merged", 6)
    assert body["uploadURL"] == f"/api/uploads/{job.pk}"
    assert body["errorReportURL"] == f"/api/uploads/{job.pk}/errors"
    assert body["resultsURL"] == f"/api/uploads/{job.pk}/results"
    assert body["warnings"] == written["warnings"]
    assert body["errorsPreview"] == [ERROR, {**SECRET, "message": "“***” is too long.", "value": "***"}]
    assert api.get(f"/api/operations/{job.pk}").json()["resourceLocation"].endswith(body["uploadURL"])
    [listed] = api.get("/api/uploads?status=Complete").json()["results"]
    assert (listed["rowsSucceeded"], listed["file"]["filename"], "errorReportURL" in listed) == (6, "a.csv", False)


def test_a_rejected_upload_keeps_its_errors(api: APIClient, make: Make) -> None:
    error = {"code": "rows-rejected", "detail": "2 of 9 rows were rejected.", "retryable": False}
    job = make("source", "errors", state=State.DEAD, result={"error": error, "upload": COUNTS}, finished_at=Now())
    body = status(api, job)
    assert (body["status"], body["error"]["code"], body["error"]["status"]) == ("Failed", "rows-rejected", 422)
    assert (body["rowsFailed"], "resultsURL" in body) == (2, False)
    assert body["errorReportURL"] == f"/api/uploads/{job.pk}/errors"
    detail = api.get(f"/api/uploads/{job.pk}").json()
    assert (detail["mode"], detail["dryRun"], detail["statusURL"]) == (
        "partial",
        False,
        f"/api/uploads/{job.pk}/status",
    )


def test_the_files_are_downloaded_in_ranges_while_they_are_kept(api: APIClient, make: Make) -> None:
    job = make("errors", state=State.DEAD, finished_at=Now())
    file = artifact_storage().open_for_writing(storage_name(job.pk, 1, "errors"))
    file.write(b"Preis,line")
    file.close()
    url = f"/api/uploads/{job.pk}/errors"
    assert b"".join(api.get(url)) == b"Preis,line"
    part = api.get(url, headers={"Range": "bytes=6-"})
    assert (part.status_code, b"".join(part), part["Content-Range"]) == (206, b"line", "bytes 6-9/10")
    assert 'filename="errors.csv"' in part["Content-Disposition"]
    assert_problem(api.get(f"/api/uploads/{job.pk}/results"), 404, "not-found")
    storages["artifacts"].delete(storage_name(job.pk, 1, "errors"))
    assert_problem(api.get(url), 410, "file-lost")
    Artifact.objects.update(expires_at=Now() - timedelta(seconds=1))
    assert_problem(api.get(url), 410, "expired")
    assert "errorReportURL" not in status(api, job)
    assert_problem(api.get(f"/api/uploads/{make().pk}/errors"), 409, "not-ready")
    assert_problem(api.get(f"/api/uploads/{make(state=State.CANCELLED).pk}/errors"), 410, "canceled")
    assert_problem(api.get(f"/api/uploads/{uuid4()}/errors"), 404, "not-found")
    assert api.get(f"/api/uploads/{job.pk}/download").status_code == 404


def test_an_upload_is_retried_while_its_file_is_there(api: APIClient, make: Make) -> None:
    job = make("source", state=State.DEAD, of="items", finished_at=Now())
    Artifact.objects.update(deleted_at=Now())
    assert (
        "uploaded file has expired"
        in assert_problem(api.post(f"/api/uploads/{job.pk}/retry"), 409, "not-retryable")["detail"]
    )
    Artifact.objects.update(deleted_at=None)
    assert api.post(f"/api/uploads/{job.pk}/retry").json()["status"] == "Queued"


def test_others_and_other_scopes_see_nothing(make: Make, owner: User) -> None:
    job = make("errors", state=State.DEAD)
    other, writing = APIClient(), APIClient()
    other.credentials(HTTP_AUTHORIZATION=f"Bearer {bearer_of(User.objects.create_user('eve'))}")
    writing.credentials(HTTP_AUTHORIZATION=f"Bearer {bearer_of(owner, 'uploads:write')}")
    for path in ("", "/status", "/errors", "/results"):
        assert_problem(other.get(f"/api/uploads/{job.pk}{path}"), 404, "not-found")
        assert_problem(writing.get(f"/api/uploads/{job.pk}{path}"), 403, "insufficient-scope")
    assert other.get("/api/upload-types/items").status_code == 404
    assert other.get("/api/upload-types/items/template.csv").status_code == 404


def test_a_deleted_upload_is_gone_with_its_files(api: APIClient, make: Make) -> None:
    job = make("source", "errors", state=State.DEAD, finished_at=Now())
    assert api.delete(f"/api/uploads/{job.pk}").status_code == 204
    assert api.get(f"/api/uploads/{job.pk}").status_code == 404
    waiting = make("source")
    assert api.delete(f"/api/uploads/{waiting.pk}").json()["status"] == "Canceled"


def test_a_type_tells_what_its_files_look_like(api: APIClient) -> None:
    items = UPLOAD_TYPES.find("items")
    assert items is not None
    body = api.get("/api/upload-types/items").json()
    assert body["row"] == json_schema(items)
    assert body["tableSchema"] == json.loads(json.dumps(table_schema(items), cls=JSONEncoder))
    assert {name: body[name] for name in ("identifier", "mode", "maxBytes", "url", "templateURL")} == {
        "identifier": "items", "mode": "upsert", "maxBytes": 5 * 1024**3, "url": "/api/upload-types/items",
        "templateURL": "/api/upload-types/items/template.csv",
    }  # fmt: skip
    assert body in api.get("/api/upload-types").json()["results"]
    template = api.get(body["templateURL"])
    assert template["Content-Type"].startswith("text/csv")
    assert 'filename="items.csv"' in template["Content-Disposition"]
    [headings] = csv.reader(template.content.decode("utf-8-sig").splitlines())
    assert headings[:3] == ["Code", "Name", "Price"]
