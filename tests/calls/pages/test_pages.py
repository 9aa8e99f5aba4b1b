"""The pages of calls: the order form, the list, and one call with its steps and its result."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from calls.models import Step
from calls.pages.pages import STEPS_OF_DETAIL, STEPS_OF_PAGE
from jobs.mailing.contents import content_about
from jobs.mailing.topics import Topic
from jobs.models import Job, Schedule
from jobs.schedules.changing import Plan, create_schedule
from jobs.schedules.recurrence import Recurrence
from jobs.states import State
from tests.support.ordered_calls import called, called_for_text, ordered
from tests.support.page_text import words

pytestmark = pytest.mark.django_db

UNKNOWN = "01900000-0000-7000-8000-000000000000"


def text_of(client: Client, job: Job) -> str:
    answer = client.get(f"/calls/{job.pk}")
    assert answer.status_code == 200
    return words(answer)


def test_who_is_not_signed_in_is_led_to_the_sign_in(client: Client) -> None:
    for path in ("", "/new", f"/{UNKNOWN}", f"/{UNKNOWN}/live", f"/{UNKNOWN}/steps"):
        answer = client.get(f"/calls{path}")
        assert (answer.status_code, answer["Location"]) == (302, f"/sign-in?next=/calls{path}")


def test_a_foreign_and_an_unknown_id_look_the_same(signed_in: Client, owner: User) -> None:
    foreign = called(owner, 1)
    signed_in.force_login(User.objects.create_user("bob"))
    for path in ("/calls/{}", "/calls/{}/live", "/calls/{}/steps", "/calls/new?like={}"):
        answers = [signed_in.get(path.format(job_id)) for job_id in (foreign.pk, UNKNOWN, "no-id")]
        assert [answer.status_code for answer in answers] == [404] * 3
        assert len({words(answer) for answer in answers}) == 1


def test_a_call_is_ordered_with_the_form(signed_in: Client) -> None:
    assert "Double numbers" in words(signed_in.get("/calls/new"))
    form = signed_in.get("/calls/new?type=text")
    assert form.status_code == 200
    placed = signed_in.post("/calls/new?type=text", {"parameters.length": "3", "parameters.letter": "y"})
    job = Job.objects.get()
    assert (placed.status_code, placed["Location"]) == (303, f"/calls/{job.pk}")
    assert (job.kind, job.payload["parameters"]) == ("call", {"length": 3, "letter": "y"})
    wrong = signed_in.post("/calls/new?type=text", {"parameters.length": "-3"})
    assert (wrong.status_code, Job.objects.count()) == (422, 1)


def test_the_same_order_is_offered_before_a_new_one_is_placed(signed_in: Client, owner: User) -> None:
    first = called_for_text(owner, 3)
    form = {"parameters.length": "3", "parameters.letter": "x"}
    asked = signed_in.post("/calls/new?type=text", form)
    assert (asked.status_code, Job.objects.count()) == (200, 1)
    assert "You already have this call" in words(asked)
    assert f'href="/calls/{first.pk}"' in asked.content.decode()
    signed_in.post("/calls/new?type=text", {**form, "again": "yes"})
    assert Job.objects.count() == 2


def test_the_navigation_the_home_page_and_the_search_have_calls(signed_in: Client, owner: User) -> None:
    job = called(owner, 13)
    for path in ("/", "/search?q=double", "/calls"):
        page = signed_in.get(path).content.decode()
        assert '<a href="/calls"' in page, path
        assert f'href="/calls/{job.pk}"' in page, path


def test_a_running_call_counts_steps_not_rows(signed_in: Client, owner: User) -> None:
    job = ordered(owner, 1, 2)
    columns = {"started_at": Now(), "progress_done": 3, "progress_samples": [0, 0, 1000, 300, 2000, 500]}
    Job.objects.filter(pk=job.pk).update(state=State.RUNNING, progress_total=12, progress_percent=25, **columns)
    text = text_of(signed_in, job)
    assert "Steps so far 3 of about 12" in text
    assert "It is running, and steps are being done." in text
    listed = words(signed_in.get("/calls"))
    assert "3 of about 12 steps" in listed
    Job.objects.filter(pk=job.pk).update(progress_total=None, progress_done=1)
    assert "Steps so far 1 step " in text_of(signed_in, job)
    assert "1 step so far" in words(signed_in.get("/calls"))
    Job.objects.filter(pk=job.pk).update(progress_done=0)
    assert "The first step has not ended yet." in text_of(signed_in, job)
    for shown in (text, listed):
        assert not re.search(r"\brows?\b", shown, re.IGNORECASE)


def test_a_complete_call_shows_its_steps_and_its_result(signed_in: Client, owner: User) -> None:
    job = called(owner, 1, 2)
    Step.objects.filter(name="total").update(duration_ms=1500)
    Step.objects.exclude(name="total").update(duration_ms=7)
    page = signed_in.get(f"/calls/{job.pk}").content.decode()
    text = text_of(signed_in, job)
    assert '{ "total": 6, "doubled": [ 2, 4 ] }'.replace('"', "&quot;") in text
    assert f'href="/api/calls/{job.pk}/result"' in page
    for part in ("total Done 1 2 s", "double/1 Done 1 7 ms", "double/0/compute Done", "with 3 steps."):
        assert part in text
    assert text.index("total Done") < text.index("double/1 Done") < text.index("double/0 Done")
    assert "row" not in text


def test_a_failed_step_says_why_without_what_is_for_the_staff(signed_in: Client, owner: User) -> None:
    text = text_of(signed_in, called(owner, 13, 17, keep_failures=True))
    assert "double/0 Failed; the call continued 13 cannot be doubled." in text
    assert "double/1 Failed; it is tried again with the call" in text
    assert "10.0.0.1" not in text


def test_a_call_that_waits_says_what_for(signed_in: Client, owner: User) -> None:
    assert "The service is busy. The next attempt starts at" in text_of(signed_in, called(owner, 19))


def test_a_result_is_data_not_markup(signed_in: Client, owner: User) -> None:
    job = called(owner, 1)
    Job.objects.filter(pk=job.pk).update(result={"value": "</pre><script>alert(1)</script>"})
    page = signed_in.get(f"/calls/{job.pk}").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("length", [40_000, 300_000])
def test_a_large_result_is_shown_in_part(length: int, signed_in: Client, owner: User) -> None:
    job = called_for_text(owner, length)
    answer = signed_in.get(f"/calls/{job.pk}")
    page = answer.content.decode()
    assert "x" * 10_000 in page
    assert ("This is only its beginning." in page) is (length > 64 * 1024)
    assert len(page) < 64 * 1024 + 40_000
    assert f'id="download" href="/api/calls/{job.pk}/result"' in page
    assert "rows" not in words(answer)


def test_a_lost_result_does_not_break_the_page(signed_in: Client, owner: User) -> None:
    job = called_for_text(owner, 300_000)
    job.artifacts.filter(role="result").update(storage_name="00/gone")
    assert "The storage has lost this file, or a part of it. Order the call again." in text_of(signed_in, job)


def test_many_steps_have_a_page_of_their_own(signed_in: Client, owner: User) -> None:
    job = ordered(owner, 1)
    Step.objects.bulk_create(
        Step(job=job, name=f"step {number:03}", fingerprint="f", attempt=1, outcome="done", duration_ms=1)
        for number in range(STEPS_OF_PAGE + 1)
    )

    def names(path: str) -> tuple[list[str], str]:
        with CaptureQueriesContext(connection) as asked:
            page = signed_in.get(path).content.decode()
        assert len([query for query in asked if "calls_step" in (query["sql"] or "")]) == 1
        return re.findall(r"step (\d{3})<", page), page

    newest = [f"{number:03}" for number in range(STEPS_OF_PAGE, -1, -1)]
    found, page = names(f"/calls/{job.pk}")
    assert found == newest[:STEPS_OF_DETAIL]
    assert f'href="/calls/{job.pk}/steps"' in page
    found, page = names(f"/calls/{job.pk}/steps")
    assert found == newest[:STEPS_OF_PAGE]
    [older] = re.findall(r'href="(\?before=\d+)"', page)
    found, page = names(f"/calls/{job.pk}/steps{older}")
    assert (found, "before=" in page) == (["000"], False)
    for before in ("x", "0", "9" * 19):
        assert signed_in.get(f"/calls/{job.pk}/steps?before={before}").status_code == 404


def test_the_part_that_refreshes_shows_new_steps(signed_in: Client, owner: User) -> None:
    job = called(owner, 19)
    path = f"/calls/{job.pk}/live"
    answer = signed_in.get(path)
    assert signed_in.get(path, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    Step.objects.create(job=job, name="new one", fingerprint="f", attempt=2, outcome="done", duration_ms=1)
    changed = signed_in.get(path, headers={"If-None-Match": answer["ETag"]})
    assert (changed.status_code, "new one" in words(changed)) == (200, True)


def test_a_page_takes_as_many_queries_for_many_steps_as_for_few(signed_in: Client, owner: User) -> None:
    def asked(job: Job) -> int:
        with CaptureQueriesContext(connection) as queries:
            signed_in.get(f"/calls/{job.pk}/live")
        return len(queries)

    assert asked(called(owner, *range(15))) == asked(called(owner, 1))


def test_a_large_result_is_shared_and_a_small_one_has_no_panel(
    signed_in: Client, owner: User, settings: Settings, client: Client
) -> None:
    settings.SHARE_LINKS = True
    small, large = called(owner, 1), called_for_text(owner, 300_000)
    assert 'id="share' not in signed_in.get(f"/calls/{small.pk}").content.decode()
    assert signed_in.post(f"/calls/{large.pk}/share", {"term": "1"}).status_code == 302
    assert large.share_links.count() == 1
    assert signed_in.post(f"/calls/{small.pk}/share", {"term": "1"}).status_code in (404, 409)


def test_a_call_is_scheduled(owner: User) -> None:
    plan = Plan(
        name="Each Monday", order={"body": {"callType": "doubles", "parameters": {"numbers": [1]}}, "relative": {}},
        recurrence=Recurrence("week", 7, days=(1,)), time_zone="UTC", mail="failed", callback_url="",
    )  # fmt: skip
    create_schedule(owner=owner, kind="call", type="doubles", plan=plan)
    assert Schedule.objects.get().kind == "call"


@pytest.mark.parametrize("topic", [Topic.COMPLETE, Topic.FAILED])
def test_the_mail_about_a_call_names_it_and_no_rows(topic: Topic, owner: User) -> None:
    make: Callable[[], Job] = lambda: called(owner, 13) if topic == Topic.FAILED else called_for_text(owner, 300_000)  # noqa: E731
    job = Job.objects.with_result().select_related("owner").get(pk=make().pk)
    content = content_about(topic, job)
    assert content.paragraphs[0].startswith("Your call “")
    assert f"/calls/{job.pk}" in content.url
    assert "Rows" not in dict(content.facts)


def test_buttons_cancel_retry_and_delete(signed_in: Client, owner: User) -> None:
    active, dead, done = ordered(owner, 1), called(owner, 13), called(owner, 1)
    told: dict[str, Any] = {}
    for act, job in (("cancel", active), ("retry", dead), ("delete", done)):
        answer = signed_in.post(f"/calls/{job.pk}/{act}")
        job.refresh_from_db()
        told[act] = answer.status_code, job.state, job.owner_id is None
    assert told == {
        "cancel": (302, "cancelled", False), "retry": (302, "queued", False), "delete": (302, "succeeded", True),
    }  # fmt: skip
