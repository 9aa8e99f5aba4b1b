"""What is sent compressed, and what is not."""

import gzip
import hashlib
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from jobs.models import Artifact, Job
from jobs.states import State

pytestmark = pytest.mark.django_db

GZIP = {"Accept-Encoding": "gzip"}


@pytest.mark.parametrize("path", ["/api/report-types", "/api/schema", "/sign-in", "/api/errors", "/api/docs"])
def test_json_yaml_and_pages_are_compressed_for_who_accepts_it(path: str, api: APIClient) -> None:
    plain, compressed = api.get(path), api.get(path, headers=GZIP)
    assert (plain.status_code, "Content-Encoding" in plain) == (200, False)
    assert compressed["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in compressed["Vary"]
    assert int(compressed["Content-Length"]) == len(compressed.content) < len(plain.content)
    assert len(gzip.decompress(compressed.content)) == len(plain.content)


def test_preconditions_hold_for_a_compressed_representation(api: APIClient) -> None:
    path = "/api/report-types"
    plain, compressed = api.get(path), api.get(path, headers=GZIP)
    assert compressed["ETag"] == f"W/{plain['ETag']}"
    for etag in (plain["ETag"], compressed["ETag"]):
        again = api.get(path, headers={**GZIP, "If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")
    assert api.get(path, headers={**GZIP, "If-Match": plain["ETag"]}).status_code == 200
    # A weak one is never enough for If-Match: RFC 9110 section 13.1.1.
    assert api.get(path, headers={**GZIP, "If-Match": compressed["ETag"]}).status_code == 412


def test_the_length_of_a_page_varies_so_that_it_tells_nothing_of_its_secrets(client: Client) -> None:
    """BREACH guesses the CSRF token or another secret by the length of pages that reflect a guess."""
    lengths = {len(client.get("/sign-in", headers=GZIP).content) for _ in range(12)}
    assert len(lengths) > 3


def test_an_answer_that_shows_a_new_secret_is_not_compressed(api: APIClient, client: Client, owner: User) -> None:
    """Secrets are shown in answers to POST alone, and those are never compressed."""
    client.force_login(owner)
    made: list[Any] = [
        api.post("/api/tokens", {"name": "x" * 100, "scopes": ["reports:read"]}, format="json", headers=GZIP),
        api.post("/api/callbacks/secrets", headers=GZIP),
        client.post("/tokens", {"name": "x" * 100, "scopes": ["reports:read"], "days": 1}, headers=GZIP),
    ]
    for answer in made:
        assert answer.status_code in (200, 201), answer.content
        assert "no-store" in answer["Cache-Control"]
        assert "Content-Encoding" not in answer


def test_a_download_is_sent_as_it_is(api: APIClient, make_job: Callable[..., Job]) -> None:
    text = secrets.token_hex(50_000).encode()
    payload: dict[str, Any] = {"reportType": "x", "parameters": {}, "csv": {}}
    artifact = Artifact.objects.create(
        job=make_job(kind="report", state=State.SUCCEEDED, payload=payload),
        attempt=1, role="result", filename="x.csv", content_type="text/csv; charset=utf-8", encoding="utf-8",
        row_count=1, size_bytes=len(text), sha256=hashlib.sha256(text).hexdigest(), published_at=timezone.now(),
        storage_name=storages["artifacts"].save("compression-test", ContentFile(text)),
    )  # fmt: skip
    for headers in (GZIP, {**GZIP, "Range": "bytes=0-9999"}):
        answer: Any = api.get(f"/api/reports/{artifact.job_id}/download", headers=headers)
        body = b"".join(answer.streaming_content)
        assert answer["Content-Length"] == str(len(body))
        assert "Content-Encoding" not in answer
        assert not answer["ETag"].startswith("W/")
        assert text.startswith(body)
