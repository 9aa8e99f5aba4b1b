"""Tasks in the admin, and nowhere else."""

import html
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from jobs.models import Job
from jobs.payloads.sealing import unseal
from jobs.states import State
from jobs.worker.execution import AttemptEnd
from tests.support.apps.chores import tasks
from tests.support.page_text import words
from tests.support.people import client_of_role
from tests.support.tokens import client_of

pytestmark = pytest.mark.django_db
PATH = "tests.support.apps.chores.tasks.pay"


@pytest.fixture
def dead(run: Callable[..., AttemptEnd | None], once: None) -> Job:
    """A task that has failed, with two secrets among its arguments."""
    result = tasks.pay.enqueue("sesame-1234", 5, api_key="k-987654")
    run(result)
    return Job.objects.get(pk=result.id, state=State.DEAD)


def url(name: str, job: Job) -> str:
    return reverse(f"admin:jobs_job_{name}", args=[job.pk])


def test_the_page_of_a_task_has_its_path_and_arguments_without_secrets(dead: Job) -> None:
    response = client_of_role("administrator").get(url("change", dead))
    text = words(response)
    assert PATH in text
    assert "The bank refused *** with *** for 5." in text
    assert "sesame-1234" not in response.content.decode()
    assert "k-987654" not in response.content.decode()
    shown = html.unescape(response.content.decode())
    assert '"***",' in shown
    assert '"api_key": "***"' in shown


def test_a_task_is_listed_with_its_path(dead: Job) -> None:
    assert PATH in words(client_of_role("viewer").get(reverse("admin:jobs_job_changelist")))


def test_arguments_are_edited_and_secrets_are_kept(dead: Job) -> None:
    """A changed list no longer says which secret belongs where, so its secrets are entered again."""
    administrator = client_of_role("administrator")
    common = {"reason": "too much", "seen": str(dead.fencing_token), "post": "yes"}
    masked = {**dead.payload, "args": ["***", 7], "kwargs": {"api_key": "***"}}
    administrator.post(url("edit", dead), {"payload": json.dumps(masked), **common})
    assert Job.objects.get(pk=dead.pk).payload == dead.payload
    edited = {**masked, "args": ["sesame-5678", 7]}
    administrator.post(url("edit", dead), {"payload": json.dumps(edited), **common})
    job = Job.objects.get(pk=dead.pk)
    assert job.state == State.QUEUED
    assert unseal(job.payload) == {**edited, "kwargs": {"api_key": "k-987654"}}
    assert "sesame" not in json.dumps(job.payload)


def test_a_task_is_no_users_job(dead: Job) -> None:
    """Not even with all scopes, and for somebody who sees everything in the admin."""
    root = User.objects.create_superuser("root2")
    api: APIClient = client_of(root)
    assert api.get(f"/api/operations/{dead.pk}").status_code == 404
    pages: Any = Client()
    pages.force_login(root)
    assert PATH not in pages.get("/").content.decode()
