"""A file that becomes shorter while it is sent, over a connection that stays open for a second request."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import requests
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.utils import timezone

from jobs.models import Artifact, Job
from jobs.states import State
from tests.support.stack import METRICS_TOKEN, Stack
from tests.support.tokens import bearer_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

#: More than lies between the file and us: what sockets and gunicorn hold.
SIZE: Final = 64 * 1024 * 1024


@pytest.fixture
def large(owner: User) -> Iterator[Artifact]:
    storage: Any = storages["artifacts"]
    with storage.open_for_writing("large") as file:
        for _ in range(64):
            file.write(b"x" * (SIZE // 64))
    job = Job.objects.create(
        kind="report", queue="reports", owner=owner, payload={}, max_attempts=1, state=State.SUCCEEDED
    )
    yield Artifact.objects.create(
        job=job, role="result", filename="x.csv", content_type="text/csv", encoding="utf-8", row_count=1,
        size_bytes=SIZE, sha256="0" * 64, published_at=timezone.now(), storage_name="large",
        expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    storage.delete("large")


def test_the_connection_is_closed_and_the_next_response_does_not_land_in_the_body(
    large: Artifact, owner: User, live_url: str, all_services: Stack
) -> None:
    where = urlsplit(live_url)
    head = f"Host: {where.netloc}\r\nAuthorization: Bearer {bearer_of(owner)}\r\n\r\n"
    requests_ = f"GET /api/reports/{large.job_id}/download HTTP/1.1\r\n{head}GET /livez HTTP/1.1\r\n{head}"
    with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
        connection.sendall(requests_.encode())
        received = connection.recv(65536)
        os.truncate(storages["artifacts"].path("large"), SIZE // 2)
        while data := connection.recv(1 << 20):
            received += data
    head_sent, body = received.split(b"\r\n\r\n", 1)
    assert f"Content-Length: {SIZE}".encode() in head_sent
    assert len(body) < SIZE
    assert body.strip(b"x") == b""

    large.refresh_from_db()
    assert large.damaged_at is not None
    wait_until(lambda: "download_cut_short" in all_services.log("web"), message="it is logged")
    metrics = requests.get(f"{live_url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=30)
    [cut] = [line for line in metrics.text.splitlines() if line.startswith("longhaul_downloads_cut_short_total ")]
    assert float(cut.split()[1]) >= 1
    assert "longhaul_damaged_files 1.0" in metrics.text.splitlines()
