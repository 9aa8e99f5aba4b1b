"""The staff see the steps of calls, without secrets and results, and can change none."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from calls.models import Step
from jobs.models import Job
from tests.support.ordered_calls import called, called_for_text
from tests.support.people import client_of_role

pytestmark = pytest.mark.django_db

LIST = "/admin/calls/step/"


def page_of(step: Step) -> str:
    return reverse("admin:calls_step_change", args=[step.pk])


def found(client: Client, **query: Any) -> set[str]:
    return {step.name for step in client.get(LIST, query).context["cl"].result_list}


def test_steps_are_found_by_job_owner_and_outcome(owner: User) -> None:
    mine, other = called(owner, 13), called(User.objects.create_user("grace"), 1)
    client = client_of_role("viewer")
    assert found(client) == {"double/0", "double/0/compute", "total"}
    assert found(client, q=str(mine.pk)) == found(client, job=str(mine.pk)) == found(client, q="ada") == {"double/0"}
    assert found(client, owner="grace") == found(client, outcome__exact="done") == found(client, job=str(other.pk))
    assert found(client, q="nobody") == set()


def test_the_page_of_a_call_links_to_its_steps(owner: User) -> None:
    job, without = called(owner, 1), Job.objects.create(kind="report", queue="reports", payload={}, max_attempts=1)
    client = client_of_role("viewer")
    link = f'<a href="{LIST}?job={job.pk}">3</a>'
    assert link in client.get(reverse("admin:jobs_job_change", args=[job.pk])).content.decode()
    assert LIST + "?" not in client.get(reverse("admin:jobs_job_change", args=[without.pk])).content.decode()
    group = User.objects.get(username="viewer").groups.get()
    group.permissions.remove(*group.permissions.filter(codename="view_step"))
    assert LIST + "?" not in client.get(reverse("admin:jobs_job_change", args=[job.pk])).content.decode()
    assert client.get(LIST).status_code == 403


def test_a_step_shows_its_request_its_answer_and_its_error(owner: User) -> None:
    called(owner, 13, keep_failures=True)
    step = Step.objects.get(name="double/0")
    Step.objects.filter(pk=step.pk).update(
        request={"method": "GET", "url": "https://x.example/"}, answer={"status": 404}, duration_ms=1234
    )
    answer = client_of_role("viewer").get(page_of(step))
    assert (answer.context["state"], answer.context["look"]) == ("refused", "level-2")
    assert dict(answer.context["texts"]) == {
        "Request": '{\n  "method": "GET",\n  "url": "https://x.example/"\n}',
        "Answer": '{\n  "status": 404\n}',
        "Error": "13 cannot be doubled.",
    }
    facts = dict(answer.context["facts"])
    assert (facts["Call type"], facts["Attempt"], facts["Duration"], facts["Error code"]) == (
        "doubles", 1, "1,234 ms", "unlucky"
    )  # fmt: skip


def test_neither_results_nor_secrets_of_the_order_are_shown(owner: User) -> None:
    called_for_text(owner, 3, letter="visible", token="hush-hush")
    step = Step.objects.get()
    assert step.result == '"visiblevisiblevisible"'
    Step.objects.update(request={"headers": {"x": "hush-hush"}}, error_message="hush-hush was refused")
    page = client_of_role("viewer").get(page_of(step)).content.decode()
    assert "was refused" in page
    assert "visiblevisible" not in page
    assert "hush" not in page


@pytest.mark.parametrize("role", ["viewer", "operator", "administrator"])
def test_nobody_changes_a_step(role: str, owner: User) -> None:
    called(owner, 1)
    before = list(Step.objects.order_by("pk").values())
    client, step = client_of_role(role), Step.objects.get(name="total")
    assert client.post(page_of(step), {"outcome": "failed"}).status_code == 403
    assert client.post(f"{LIST}{step.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"{LIST}add/", {"name": "x"}).status_code == 403
    client.post(LIST, {"action": "delete_selected", "_selected_action": [step.pk], "post": "yes"})
    assert list(Step.objects.order_by("pk").values()) == before
