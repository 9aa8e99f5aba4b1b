"""Schedules of reports, by a clock that the test sets."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs.models import Queue, Schedule
from jobs.schedules.changing import Plan, create_schedule
from jobs.schedules.recurrence import Recurrence
from jobs.types.scheduling import stored_order
from reports.types import REPORT_TYPES, SQL, ReportType
from tests.support.simulated_time import set_time, simulated_time

#: Sunday noon in Tokyo.
BEGINNING = datetime.fromisoformat("2026-11-29T12:00+09:00")


@pytest.fixture
def report_types(monkeypatch: pytest.MonkeyPatch) -> dict[str, ReportType]:
    """The registry; what a test adds or removes is as before afterwards."""
    types = dict(REPORT_TYPES._types)
    monkeypatch.setattr(REPORT_TYPES, "_types", types)
    return types


@pytest.fixture
def report_of(report_types: dict[str, ReportType]) -> Callable[..., str]:
    """Register a report type with these attributes; returns its identifier."""

    def make(**attributes: Any) -> str:
        query = {"query": lambda self, parameters, user: SQL("SELECT 1")}
        REPORT_TYPES.register(
            type("Made", (ReportType,), {"identifier": "made", "title": "Made", **query, **attributes})
        )
        return "made"

    return make


@pytest.fixture
def clock(db: None) -> Iterator[Callable[[str], None]]:
    """Set the time of the database."""
    with simulated_time():
        set_time(BEGINNING)
        yield lambda text: set_time(datetime.fromisoformat(text))


@pytest.fixture
def make_schedule(owner: User) -> Callable[..., Schedule]:
    """A schedule of ada's: every Monday at 07:00 in Tokyo, the order lines of last week."""

    def make(
        recurrence: Recurrence | None = None,
        *,
        of: str = "order-lines",
        parameters: dict[str, Any] | None = None,
        relative: dict[str, str] | None = None,
        time_zone: str = "Asia/Tokyo",
        mail: str = "failed",
        callback_url: str = "",
    ) -> Schedule:
        if relative is None and of == "order-lines":
            relative = {"dateFrom": "start-of-last-week", "dateTo": "end-of-last-week"}
        body = {"reportType": of, "csv": {}, "parameters": parameters or {}}
        job_type = REPORT_TYPES.find(of)
        assert job_type is not None
        plan = Plan(
            name="Last week",
            order=stored_order(job_type, body, relative or {}),
            recurrence=recurrence or Recurrence("week", 7, days=(1,)),
            time_zone=time_zone,
            mail=mail,
            callback_url=callback_url,
        )
        return create_schedule(owner=owner, kind="report", type=of, plan=plan)

    return make


@pytest.fixture
def full_queue(db: None) -> Callable[[int | None], None]:
    """Let the queue of reports take no more than so many jobs; None: any number."""

    def limit(most: int | None) -> None:
        Queue.objects.filter(name="reports").update(max_queued=most)

    return limit
