"""curl, wget and a download manager resume a large download that is killed again and again."""

import hashlib
import random
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aria2c import ARIA2C
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.utils import timezone

from jobs.models import Artifact, Job
from jobs.states import State
from tests.support.tokens import bearer_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

MEGABYTE = 1024 * 1024
SIZE = 500 * MEGABYTE
KILLS = 5

#: Each writes to `{file}` and goes on with what is there. aria2c asks for four ranges at once and writes down once a
#: second which it has; so it must not be done before that.
CLIENTS = {
    "curl": "curl --silent --show-error --fail --continue-at - --header {bearer} --output {file} {url}",
    "wget": "wget --quiet --continue --tries 1 --header {bearer} --output-document {file} {url}",
    "aria2c": "{aria2c} --quiet --continue --split 4 --max-connection-per-server 4 --auto-save-interval 1"
    " --max-overall-download-limit 80M --file-allocation none --header {bearer} --dir {folder} --out {name} {url}",
}


@pytest.fixture
def large(owner: User, tmp_path: Path) -> Iterator[Artifact]:
    """A finished report of 500 MB, no two of whose megabytes are equal."""
    storage: Any = storages["artifacts"]
    filler = random.Random(7).randbytes(MEGABYTE - 8)
    digest = hashlib.sha256()
    with storage.open_for_writing("large-download") as file:
        for number in range(SIZE // MEGABYTE):
            block = number.to_bytes(8) + filler
            file.write(block)
            digest.update(block)
    payload: dict[str, Any] = {"reportType": "x", "parameters": {}, "csv": {}}
    job = Job.objects.create(
        kind="report", queue="reports", owner=owner, payload=payload, max_attempts=1, state=State.SUCCEEDED
    )
    yield Artifact.objects.create(
        job=job, role="result", filename="large.csv", content_type="text/csv", encoding="utf-8", row_count=1,
        size_bytes=SIZE, sha256=digest.hexdigest(), published_at=timezone.now(), storage_name="large-download",
        expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    storage.delete("large-download")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_download_that_is_killed_five_times_is_whole(
    client: str, large: Artifact, owner: User, live_url: str, tmp_path: Path
) -> None:
    if client != "aria2c" and not shutil.which(client):
        pytest.fail(f"this test needs {client}: on Debian run: apt-get install {client}")
    target = tmp_path / "large.csv"
    values = {
        "aria2c": str(ARIA2C),
        "bearer": f"Authorization: Bearer {bearer_of(owner)}",
        "file": str(target),
        "folder": str(tmp_path),
        "name": target.name,
        "url": f"{live_url}/api/reports/{large.job_id}/download",
    }
    command = [word.format(**values) for word in CLIENTS[client].split()]
    for _ in range(KILLS):
        kill_on_the_way(command, target)
        assert on_disk(target) < SIZE
    subprocess.run(command, check=True, timeout=60)
    digest = hashlib.sha256()
    with target.open("rb") as file:
        while block := file.read(MEGABYTE):
            digest.update(block)
    assert digest.hexdigest() == large.sha256
    assert target.stat().st_size == SIZE


def kill_on_the_way(command: list[str], target: Path) -> None:
    """Start the client, and kill it once it has got on by a seventh, and has written down what it has."""
    notes = target.with_name(f"{target.name}.aria2")
    before, noted = on_disk(target), notes.stat().st_mtime_ns if notes.exists() else 0
    process = subprocess.Popen(command)

    def has_got_on() -> bool:
        assert process.poll() is None, "it ended before it was killed"
        if "aria2c" in command[0]:
            return notes.exists() and notes.stat().st_mtime_ns > noted
        return on_disk(target) >= before + SIZE // (KILLS + 2)

    wait_until(has_got_on, timeout=30, every=0.002, message="the download gets on")
    process.kill()
    process.wait()


def on_disk(file: Path) -> int:
    """Bytes that were written: a file with holes is longer."""
    return file.stat().st_blocks * 512 if file.exists() else 0
