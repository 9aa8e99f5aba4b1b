"""A user of the pages, and a schedule of hers."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from jobs.models import Preferences, Schedule
from jobs.schedules.changing import Plan, create_schedule
from jobs.schedules.recurrence import Recurrence
from jobs.types.scheduling import stored_order
from reports.types import REPORT_TYPES


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    """The client of ada, who lives in Tokyo."""
    Preferences.objects.create(user=owner, language="en", time_zone="Asia/Tokyo")
    client.force_login(owner)
    return client


@pytest.fixture
def make_schedule(owner: User) -> Callable[..., Schedule]:
    """A schedule of ada's, or of another user: every Monday at 07:00 in Berlin, the order lines of last week."""

    def make(of: User | None = None, **changes: Any) -> Schedule:
        job_type = REPORT_TYPES.find("order-lines")
        assert job_type is not None
        csv = {"encoding": "utf-8", "delimiter": ",", "compression": "none", "spreadsheetSafe": True}
        body = {"reportType": "order-lines", "csv": csv, "parameters": {"dateTo": "2099-12-31"}}
        values = {
            "name": "Last week",
            "order": stored_order(job_type, body, {"dateFrom": "start-of-last-week"}),
            "recurrence": Recurrence("week", 7, days=(1,)),
            "time_zone": "Europe/Berlin",
            "mail": "failed",
            "callback_url": "",
        }
        plan = Plan(**{**values, **changes})
        return create_schedule(owner=of or owner, kind="report", type="order-lines", plan=plan)

    return make
