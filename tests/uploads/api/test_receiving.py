"""Files of uploads in object storage, and a storage that fails."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from config.storage import artifact_storage
from jobs.files.storage import FolderFile
from jobs.http.arriving import WaitingBody
from jobs.models import Artifact, Job
from tests.support import buckets
from tests.support.ordering import assert_problem

pytestmark = pytest.mark.django_db(transaction=True)

Send = Callable[..., Any]


def test_in_object_storage_a_whole_file_is_kept_and_a_cut_one_is_not(
    s3: str, send: Send, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STORAGES = {**settings.STORAGES, "artifacts": artifact_storage(buckets.storage_url(s3))}
    body = b"x,y\r\n" * 2_000_000  # more than one part
    assert send(body).status_code == 202
    whole = [f"{buckets.PREFIX}/{Artifact.objects.get().storage_name}"]
    assert (buckets.keys(s3), buckets.uploads(s3)) == (whole, [])
    read, begun = WaitingBody.read_arrived, []

    def read_most(self: WaitingBody, size: int, *, seconds: float) -> bytes | None:
        if self._left <= 500_000:
            begun.extend(buckets.uploads(s3))
            raise EOFError
        return read(self, min(size, self._left - 500_000), seconds=seconds)

    monkeypatch.setattr(WaitingBody, "read_arrived", read_most)
    assert_problem(send(body), 400, "incomplete-body")
    assert len(begun) == 1
    assert (buckets.keys(s3), buckets.uploads(s3), Job.objects.count()) == (whole, [], 1)


@pytest.mark.parametrize("method", ["write", "sync", "close"])
def test_a_storage_that_fails_is_an_outage_and_leaves_nothing(
    method: str, send: Send, stored: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(FolderFile, method, fail, raising=False)
        assert_problem(send(), 503, "storage-unavailable")
    assert (stored(), Job.objects.count()) == (set(), 0)
