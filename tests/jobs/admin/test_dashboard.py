"""The operations dashboard."""

import re
import socket
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs.admin.charts import HEIGHT, stacked_bars
from jobs.admin.dashboard import check_server, live_workers
from jobs.models import Job
from jobs.states import State
from tests.support.stack import Stack


@pytest.mark.django_db
def test_each_line_of_trouble_leads_to_the_jobs_it_means(staff: Client, make_job: Callable[..., Job]) -> None:
    job = make_job(state=State.DEAD)
    page = staff.get("/admin/").content.decode()
    link = re.search(r'href="([^"]+state=dead[^"]+)" [^>]+>Show the jobs', page)
    assert link is not None
    listed = staff.get(link[1].replace("&amp;", "&"))
    assert list(listed.context["cl"].result_list) == [job]


@pytest.mark.django_db
def test_the_dashboard_takes_as_many_queries_for_many_jobs_as_for_one(
    staff: Client, make_job: Callable[..., Job]
) -> None:
    make_job(state=State.DEAD)
    staff.get("/admin/")
    with CaptureQueriesContext(connection) as one:
        staff.get("/admin/")
    for _ in range(20):
        make_job(state=State.DEAD)
    with CaptureQueriesContext(connection) as many:
        staff.get("/admin/")
    assert len(many) == len(one)


@pytest.mark.django_db
def test_who_may_not_view_jobs_is_shown_nothing(client: Client) -> None:
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    assert "Your account does not have permission to view jobs" in client.get("/admin/").content.decode()
    assert client.get(reverse("admin:jobs_services")).status_code == 403


def test_workers_and_servers_are_asked(stack: Stack, client: Client) -> None:
    client.force_login(User.objects.create_superuser("root"))
    page = client.get(reverse("admin:jobs_services")).content.decode()
    assert "csv@" in page
    assert "housekeeping, operations" in page
    assert "does not answer" not in page
    assert "Valkey" in page
    assert [worker["queues"] for worker in live_workers()] == [
        ["reports", "uploads"], ["housekeeping", "operations"],
    ]  # fmt: skip


def test_a_server_that_is_away_is_said_to_be_so() -> None:
    def ask() -> str:
        raise ConnectionError("connection to redis://:hunter2hunter@example refused\nand more")

    assert check_server(ask) == (False, "connection to redis://***@example refused")


def test_bars_are_stacked_to_the_height_of_the_picture() -> None:
    assert stacked_bars([3, 0], [1, 0]) == [(0, HEIGHT - 18.0, 18.0, 0.0, 6.0), (5, 24.0, 0.0, 24.0, 0.0)]


def test_a_redis_that_hangs_is_said_to_in_a_second_or_two(client: Client, db: None, settings: Any) -> None:
    client.force_login(User.objects.create_superuser("root"))
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and never says a word
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        page = client.get(reverse("admin:jobs_services")).content.decode()
    assert "not responding</span> Timeout reading from" in page
    assert "Cannot check the workers: they are reached through Redis, which does not respond." in page
