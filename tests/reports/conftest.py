"""Fixtures for everything about reports."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.db.models.functions import Now
from rest_framework import serializers

from jobs.models import Job
from jobs.types import contained
from jobs.worker.execution import execute_job
from reports.types import REPORT_TYPES, SQL, ReportType
from tabular.dialect import Dialect
from tests.support.results import Finished
from tests.support.threads import Threads


@pytest.fixture
def report_types(monkeypatch: pytest.MonkeyPatch) -> dict[str, ReportType]:
    """The registry; what a test adds is gone afterwards."""
    types = dict(REPORT_TYPES._types)
    monkeypatch.setattr(REPORT_TYPES, "_types", types)
    return types


@pytest.fixture
def report_of(report_types: dict[str, ReportType], forked: None) -> Callable[..., str]:
    """Register a report type made of one query; returns its identifier."""

    def make(query: Any, **attributes: Any) -> str:
        class Parameters(serializers.Serializer[Any]):
            value = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)

        def run_query(self: ReportType, parameters: dict[str, Any], user: Any) -> Any:
            if callable(query):
                return query(parameters)
            return SQL(query) if isinstance(query, str) else query

        made = type(
            "Made",
            (ReportType,),
            {"identifier": "made", "title": "Made", "Parameters": Parameters, "query": run_query, **attributes},
        )
        REPORT_TYPES.register(made)
        return "made"

    return make


@pytest.fixture
def read_result() -> Callable[[Job], bytes | None]:
    """The bytes of a job's file, if it has one."""

    def read(job: Job) -> bytes | None:
        artifact = job.result_artifact
        if artifact is None:
            return None
        with storages["artifacts"].open(artifact.storage_name) as file:
            content: bytes = file.read()
        return content

    return read


@pytest.fixture
def run_order(
    transactional_db: None, owner: User, read_result: Callable[[Job], bytes | None]
) -> Callable[..., Finished]:
    """Run one order to its end in this process, with everything real but the worker's process."""

    def run(report_type: str, parameters: dict[str, Any] | None = None, **csv: Any) -> Finished:
        job = Job.objects.create(
            kind="report",
            queue="reports",
            type=report_type,
            owner=owner,
            payload={"reportType": report_type, "parameters": parameters or {}, "csv": Dialect(**csv).to_payload()},
            max_attempts=5,
            released_at=Now(),
        )
        execute_job(job.pk, worker="test")
        job = Job.objects.with_result().get(pk=job.pk)
        return Finished(job, read_result(job))

    return run


@pytest.fixture
def run(run_order: Callable[..., Finished]) -> Iterator[Callable[..., Any]]:
    """Run an order in another thread, while the test goes on."""
    with Threads(1) as threads:
        yield lambda *args, **csv: threads.submit(run_order, *args, **csv)


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that run a type's code know the types that a test has registered: they are forked from this one."""
    monkeypatch.setattr(contained, "START_METHOD", "fork")
