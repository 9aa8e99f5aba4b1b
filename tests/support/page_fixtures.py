"""Fixtures, which a conftest imports: a user in Django's test client and in Chromium, and their reports."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page

from jobs.models import Artifact, Job
from jobs.states import State
from tabular.dialect import Dialect


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture
def make_job(owner: User) -> Callable[..., Job]:
    """A report of ada's in any state; nothing runs it."""

    def make(state: State = State.QUEUED, *, of: str = "yearly-sales", **columns: Any) -> Job:
        parameters = columns.pop("parameters", {"year": 2023})
        payload = {"reportType": of, "parameters": parameters, "csv": Dialect().to_payload(), "language": "en"}
        values = {
            "owner": owner,
            "payload": payload,
            "kind": "report",
            "type": of,
            "queue": "reports",
            "max_attempts": 5,
        }
        return Job.objects.create(state=state, **(values | columns))

    return make


@pytest.fixture
def publish(db: None) -> Callable[..., Artifact]:
    """The row of a finished file; there is no file."""

    def make(job: Job, **columns: Any) -> Artifact:
        values: dict[str, Any] = {
            "role": Artifact.Role.RESULT,
            "storage_name": f"{job.pk}/result",
            "filename": "yearly-sales-2023.csv",
            "content_type": "text/csv",
            "encoding": "utf-8",
            "row_count": 1234,
            "size_bytes": 2048,
            "sha256": "ab" * 32,
            "published_at": job.created_at,
        }
        return Artifact.objects.create(job=job, **(values | columns))

    return make


@pytest.fixture
def ada_page(page: Page, complaints: list[str], signed_in: Client, live_url: str) -> Page:
    """A page in Chromium whose user is signed in."""
    session = signed_in.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_url}])
    return page
