"""The rows of lists are the HTML that unfold itself would render."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.template import Context, Template
from django.test import Client

from jobs.models import Job
from tests.support.accessible_pages import admin_lists, make_content

pytestmark = pytest.mark.django_db


def html(tag: str, cl: Any, request: Any) -> str:
    """What a tag renders, without the white space that browsers ignore."""
    template = Template("{% load list_rows unfold_list %}{% " + tag + " cl %}")
    rendered = template.render(Context({"cl": cl, "opts": cl.opts, "request": request}))
    text = re.sub(r"\s+", " ", rendered)
    return re.sub(r" (?=[<>])|(?<=>) ", "", text).replace(' class=" ', ' class="')


@pytest.fixture
def staff(client: Client, owner: User) -> Client:
    make_content(owner)
    Job.objects.create(
        owner=owner, kind="report", type="<b>&", payload={}, queue="reports", error_class="a.<i>", max_attempts=5
    )
    client.force_login(User.objects.create_superuser("root"))
    return client


def test_rows_are_those_of_unfold(staff: Client) -> None:
    compared = 0
    for path in admin_lists(every=True):
        context = staff.get(path).context
        if "cl" in context:
            cl = context["cl"]
            ours, unfolds = (html(tag, cl, context["request"]) for tag in ("list_rows", "unfold_result_list"))
            assert ours == unfolds, path
            compared += 1
    assert compared > 20


def test_lists_have_these_rows(staff: Client) -> None:
    used = {template.name for template in staff.get("/admin/jobs/job/").templates}
    assert "admin/list_rows.html" in used
    assert "admin/change_list_results.html" not in used
