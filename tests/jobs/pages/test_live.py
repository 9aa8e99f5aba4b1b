"""What a part of a page that refreshes itself answers."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from jobs.models import Job
from jobs.states import State

pytestmark = pytest.mark.django_db

MakeJob = Callable[..., Job]


@pytest.mark.parametrize("path", ["/reports/live", "/home/live", "/reports/{}/live"])
def test_unchanged_content_is_not_sent_again(signed_in: Client, make_job: MakeJob, path: str) -> None:
    job = make_job(
        State.RUNNING, progress_percent=42, progress_total=100, updated_at=timezone.now(), started_at=timezone.now()
    )
    path = path.format(job.pk)
    first = signed_in.get(path, headers={"Accept-Encoding": "gzip"})
    assert first.status_code == 200
    again = signed_in.get(path, headers={"If-None-Match": first["ETag"], "Accept-Encoding": "gzip"})
    assert (again.status_code, again.content) == (304, b"")
    assert sum(len(f"{name}: {value}\r\n") for name, value in again.headers.items()) < 900
    Job.objects.update(progress_percent=43)
    assert signed_in.get(path, headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_the_content_of_another_user_has_another_tag(signed_in: Client, make_job: MakeJob) -> None:
    make_job(State.RUNNING)
    tag = signed_in.get("/reports/live")["ETag"]
    signed_in.force_login(User.objects.create_user("bob"))
    answer = signed_in.get("/reports/live", headers={"If-None-Match": tag})
    assert (answer.status_code, answer["ETag"] == tag) == (200, False)


def test_a_part_takes_no_post(signed_in: Client) -> None:
    assert signed_in.post("/reports/live").status_code == 405
