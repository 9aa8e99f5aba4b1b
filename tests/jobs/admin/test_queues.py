"""Dials in the admin: shown, asked, kept."""

from collections.abc import Callable

import pytest
from celery import current_app
from django.test import Client
from django.urls import reverse
from kombu import Queue as Declared

from jobs.models import AuditEntry, Job, Queue
from jobs.monitoring.remedies import resume_queue, set_dial

pytestmark = pytest.mark.django_db
AUTO = {
    "pace": "fixed",
    "target_busy_percent": "5",
    "target_active_sessions": "8",
    "target_latency_milliseconds": "20",
    "max_lag_seconds": "30",
}
DIALS = {"paused": "on", "accepting": "on", "max_running": "7", "statement_timeout_seconds": "3600", **AUTO}
POSTED = {**DIALS, "reason": "the night"}
CHANGE = "/admin/jobs/queue/reports/change/"


def reports() -> tuple[int | None, bool]:
    queue = Queue.objects.get(name="reports")
    return queue.max_running, queue.paused


def test_a_name_that_the_admin_would_read_as_quoted_leads_to_its_queue(
    member: Callable[[str], Client], make_job: Callable[..., Job]
) -> None:
    client = member("administrator")
    queue = Queue.objects.create(name="team_24", paused=True, statement_timeout_seconds=3600)
    for url in (resume_queue("team_24").url, set_dial("Raise the limit…", "team_24", "max_queued").url):
        assert client.get(url).status_code == 200, url
    quoted = "/admin/jobs/queue/team_5F24/"  # in URLs of the admin, _24 is a $
    for page in ("/admin/", "/admin/jobs/queue/", f"/admin/jobs/job/{make_job(queue=queue.name).pk}/change/"):
        assert quoted in client.get(page).content.decode(), page
    unchanged = {"paused": "on", "accepting": "on", "statement_timeout_seconds": "3600", **AUTO, "reason": "none"}
    assert client.post(f"{quoted}change/", unchanged)["Location"] == f"{quoted}change/"


def test_dials_are_changed_once_their_difference_was_seen(member: Callable[[str], Client]) -> None:
    client = member("administrator")
    asked = client.post(CHANGE, POSTED)
    assert asked.context["changes"] == [("paused", False, True), ("max_running", 4, 7)]
    assert reports() == (4, False)
    sent: dict[str, list[str]] = {"post": ["yes"]}
    for name, value in asked.context["hidden"]:
        sent.setdefault(name, []).append(value)
    client.post(CHANGE, sent)
    assert reports() == (7, True)
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.reason) == ("administrator", "change", "the night")
    assert (entry.before, entry.after) == ({"paused": False, "max_running": 4}, {"paused": True, "max_running": 7})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reason": ""}, "This field is required."),
        ({"max_running": "many"}, "Enter a whole number."),
        ({"database": "nonsense"}, "There is no such database. Available: default."),
        ({"paused": "", "max_running": "4"}, "Nothing has changed."),
    ],
)
def test_what_is_wrong_or_no_change_is_said(member: Callable[[str], Client], change: dict[str, str], said: str) -> None:
    posted = {name: value for name, value in {**POSTED, **change}.items() if value or name == "reason"}
    assert said in member("administrator").post(CHANGE, posted, follow=True).content.decode()
    assert reports() == (4, False)


def test_an_operator_pauses_and_resumes_but_turns_no_dial(member: Callable[[str], Client]) -> None:
    client = member("operator")
    for act, paused in (("pause", True), ("resume", False)):
        url = reverse(f"admin:jobs_queue_{act}", args=["reports"])
        assert client.get(url).status_code == 200
        assert "This field is required." in client.post(url, {"reason": " "}).content.decode()
        assert reports()[1] is not paused
        client.post(url, {"reason": "the night"})
        assert reports()[1] is paused
    assert client.get(CHANGE).status_code == 200
    assert client.post(CHANGE, {**POSTED, "post": "yes"}).status_code == 403
    assert client.post(CHANGE, POSTED).status_code == 403
    assert reports() == (4, False)
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == ["pause", "resume"]


def test_a_queue_is_added_once_the_settings_name_it_and_never_deleted(
    member: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = member("administrator")
    refused = client.post("/admin/jobs/queue/add/", {**POSTED, "name": "more", "paused": ""})
    assert "The variable QUEUES does not name more" in refused.content.decode()
    assert not Queue.objects.filter(name="more").exists()
    monkeypatch.setitem(current_app.amqp.queues, "more", Declared("more", routing_key="more"))
    client.post("/admin/jobs/queue/add/", {**POSTED, "name": "more", "paused": ""})
    assert Queue.objects.get(name="more").max_running == 7
    assert AuditEntry.objects.values_list("action", "target_id").get() == ("add", "more")
    assert client.post(reverse("admin:jobs_queue_delete", args=["more"]), {"post": "yes"}).status_code == 403


def test_a_queue_that_is_not_there_is_said_to_be_so(member: Callable[[str], Client]) -> None:
    client = member("administrator")
    assert client.get(reverse("admin:jobs_queue_pause", args=["gone"])).status_code == 404
    assert client.post("/admin/jobs/queue/gone/change/", POSTED).status_code in (302, 404)
