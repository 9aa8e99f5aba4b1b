"""A past: jobs that were created and attempts that ended so and so long ago."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from jobs.models import Artifact, Attempt, Job
from jobs.models.ids import first_id_at
from jobs.states import Outcome, State


@pytest.fixture
def past_job(make_job: Callable[..., Job]) -> Callable[..., Job]:
    """A job of so many hours ago with an attempt of so many seconds for each of `seconds`; the last succeeded."""
    made = iter(range(1, 10**6))

    def make(
        *seconds: float,
        hours_ago: float = 1.0,
        rows: int | None = None,
        megabytes: float = 0,
        memory: int | None = None,
        conditions: dict[str, Any] | None = None,
        ended: bool = True,
        **values: Any,
    ) -> Job:
        first = first_id_at(timezone.now() - timedelta(hours=hours_ago))
        values = {"pk": UUID(int=first.int + next(made)), "state": State.SUCCEEDED, "type": "sales"} | values
        job = make_job(**values)
        for number, took in enumerate(seconds, start=1):
            is_last = number == len(seconds)
            Attempt.objects.create(
                job=job, number=number, fencing_token=number, worker="w", conditions=conditions,
                outcome=Outcome.SUCCEEDED if is_last else Outcome.LOST,
                started_at=Now() - timedelta(seconds=took), finished_at=Now() if ended else None,
                rows=rows if is_last else None, peak_memory_bytes=memory if is_last else None,
            )  # fmt: skip
        if megabytes:
            Artifact.objects.create(
                job=job, role=Artifact.Role.RESULT, storage_name=str(job.pk), filename="f", content_type="t",
                encoding="utf-8", row_count=1, size_bytes=round(megabytes * 1024**2), sha256="",
                published_at=Now(), expires_at=Now() + timedelta(days=2),
            )  # fmt: skip
        return job

    return make
