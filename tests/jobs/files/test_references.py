"""Files that rows of any app refer to."""

from collections.abc import Callable, Collection

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from jobs.files import references
from jobs.files.references import referenced_names, register_references
from jobs.models import Artifact, Job

pytestmark = pytest.mark.django_db


def test_artifacts_and_files_of_other_apps_are_found(
    make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "_finders", list(references._finders))
    Artifact.objects.create(
        job=make_job(), role="result", filename="x", content_type="text/csv", encoding="utf-8", row_count=0,
        size_bytes=1, sha256="0" * 64, published_at=Now(), storage_name="00/published",
    )  # fmt: skip

    def find(names: Collection[str]) -> list[str]:
        return [name for name in names if name.endswith("kept")]

    for _ in range(2):
        register_references(find)
    asked = ["00/published", "00/kept", "00/orphan"]
    assert referenced_names(asked) == {"00/published", "00/kept"}
    with CaptureQueriesContext(connection) as statements:
        assert referenced_names([]) == set()
    assert len(statements) == 0
