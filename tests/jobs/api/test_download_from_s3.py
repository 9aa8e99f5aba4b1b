"""Downloads from object storage, most through a real web server."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

import psutil
import pytest
import requests
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from config.storage import artifact_storage
from jobs.files import object_storage
from jobs.models import Artifact, Job
from jobs.states import State
from tests.support import buckets
from tests.support.proxies import Proxy
from tests.support.servers import throw_away
from tests.support.stack import Stack
from tests.support.tokens import bearer_of

pytestmark = pytest.mark.django_db(transaction=True)

MEGABYTE: Final = 1024 * 1024
CONTENT: Final = os.urandom(MEGABYTE) * 48
#: What the headers of a few requests may amount to. Bytes.
HEADERS: Final = 100_000


@pytest.fixture
def proxy(s3: str) -> Iterator[Proxy]:
    with Proxy(s3) as proxy:
        yield proxy


@pytest.fixture
def web(proxy: Proxy, database_url: str) -> Iterator[Stack]:
    """A web server of its own, whose files are behind the proxy; with one process, whose memory is looked at."""
    stack = Stack(throw_away.folder, database_url=database_url)
    web = stack.services["web"]
    stack.services["web"] = replace(web, command=[*web.command, "--workers", "1"])
    stack.environment.update(STORAGE_URL=buckets.storage_url(proxy.url), **buckets.CREDENTIALS)
    stack.ensure_web()
    yield stack
    stack.stop_all()


@pytest.fixture
def artifact(s3: str, owner: User) -> Artifact:
    job = Job.objects.create(
        kind="report", queue="reports", owner=owner, payload={"reportType": "x"}, max_attempts=1, state=State.SUCCEEDED
    )
    key = f"{buckets.PREFIX}/aa/file"
    buckets.client(s3).put_object(Bucket=buckets.BUCKET, Key=key, Body=CONTENT)
    return Artifact.objects.create(
        job=job, role="result", filename="x.csv", content_type="text/csv", encoding="utf-8", row_count=1,
        size_bytes=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest(), published_at=timezone.now(),
        storage_name="aa/file", expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip


def memory(web: Stack) -> int:
    """Resident bytes of all processes of the web server."""
    server = psutil.Process(web.pid("web"))
    return sum(process.memory_info().rss for process in (server, *server.children(recursive=True)))


def test_a_range_fetches_its_own_bytes_and_memory_stays_flat(
    web: Stack, proxy: Proxy, artifact: Artifact, owner: User
) -> None:
    bearer = bearer_of(owner)

    def get(first: int, last: int) -> bytes:
        headers = {"Authorization": f"Bearer {bearer}", "Range": f"bytes={first}-{last}"}
        response = requests.get(f"{web.url}/api/reports/{artifact.job_id}/download", headers=headers, timeout=60)
        assert response.status_code == 206
        return response.content

    assert get(0, 0) == CONTENT[:1]  # what is imported for the first of them is no growth
    before, received = memory(web), proxy.received
    for number in range(6):
        first = number * 8 * MEGABYTE + 17
        assert get(first, first + 999) == CONTENT[first : first + 1000]
    assert proxy.received - received < 6 * 1000 + HEADERS
    assert hashlib.sha256(get(0, len(CONTENT) - 1)).hexdigest() == artifact.sha256
    assert proxy.received - received < len(CONTENT) + 6 * 1000 + HEADERS
    assert memory(web) - before < len(CONTENT) // 2


@pytest.fixture
def keep_files_at(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let this process have its files at a URL; it waits briefly, and for as many trials as ever."""

    def keep(url: str) -> None:
        monkeypatch.setattr(object_storage, "READ_SECONDS", 0.2)
        settings.STORAGES = {**settings.STORAGES, "artifacts": artifact_storage(buckets.storage_url(url))}

    return keep


@pytest.fixture
def owners_client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def test_head_asks_for_no_byte_of_the_file(
    proxy: Proxy, artifact: Artifact, owners_client: Client, keep_files_at: Callable[[str], None]
) -> None:
    keep_files_at(proxy.url)
    answer = owners_client.head(f"/api/reports/{artifact.job_id}/download")
    assert (answer.status_code, answer["Content-Length"]) == (200, str(len(CONTENT)))
    assert proxy.received < 10_000
    artifact.job.artifacts.update(size_bytes=7)
    assert owners_client.head(f"/api/reports/{artifact.job_id}/download").status_code == 410


@pytest.mark.parametrize("is_silent", [True, False])
def test_while_the_storage_does_not_answer_downloads_are_503_and_all_else_goes_on(
    is_silent: bool, artifact: Artifact, owners_client: Client, keep_files_at: Callable[[str], None]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        if not is_silent:
            silent.close()
        keep_files_at(f"http://127.0.0.1:{silent.getsockname()[1] if is_silent else 1}")
        User.objects.update(is_staff=True, is_superuser=True)
        report = f"/api/reports/{artifact.job_id}"
        for answer in (owners_client.get(f"{report}/download"), owners_client.head(f"{report}/download")):
            assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert owners_client.get(f"{report}/download").json()["code"] == "storage-unavailable"
        page = owners_client.get(reverse("admin:jobs_job_download", args=[artifact.job_id, artifact.pk]))
        assert (page.status_code, "The file storage is unavailable" in page.content.decode()) == (503, True)
        status = owners_client.get(f"{report}/status").json()
        artifact.refresh_from_db()
        assert (status["status"], artifact.damaged_at) == ("Complete", None)
        order = {"reportType": "yearly-sales", "parameters": {"year": "2023"}}
        assert owners_client.post("/api/reports", order, content_type="application/json").status_code == 202
        assert owners_client.delete(report).status_code == 204
    artifact.refresh_from_db()
    assert artifact.deleted_at is None  # Beat deletes it
