"""What would it cost? Asked by staff, found out by a worker, kept, and part of the verdict wherever it is shown."""

import time
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db.models.functions import Now
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from jobs.bulk.work import check_jobs
from jobs.context import JobContext
from jobs.interventions import inquiries
from jobs.interventions.inquiries import latest_inquiries
from jobs.interventions.requeue_checks import RequeueChecks, requeue_checked_jobs
from jobs.models import Attempt, Job, Queue
from jobs.models.bulk import BulkItem, BulkRun
from jobs.states import State
from jobs.types.contained import CannotStartError
from jobs.worker.execution import execute_job
from reports.types import SQL
from tabular.dialect import Dialect

pytestmark = pytest.mark.django_db(transaction=True)
REFUSAL = 'The query could not be built or planned: relation "nowhere" does not exist.'


def sleep_long(parameters: dict[str, Any]) -> SQL:
    time.sleep(3600)
    return SQL("SELECT 1 AS a")


def eat(parameters: dict[str, Any]) -> SQL:
    raise MemoryError


def say_nothing(parameters: dict[str, Any]) -> SQL:
    raise NotImplementedError


def fail(parameters: dict[str, Any]) -> SQL:
    raise RuntimeError(f"no {parameters['value']} password=hunter2hunter2")


@pytest.fixture
def dead(owner: User, report_of: Callable[..., str], report_types: dict[str, Any]) -> Callable[..., Job]:
    Queue.objects.update(paused=True)  # nothing is published

    def make(query: Any, **values: Any) -> Job:
        if "made" not in report_types:
            report_of(query)
        payload = {"reportType": "made", "parameters": {"value": "x"}, "csv": Dialect().to_payload()}
        return Job.objects.create(
            **{
                "kind": "report", "type": "made", "queue": "reports", "owner": owner, "payload": payload,
                "max_attempts": 5, "state": State.DEAD, "finished_at": Now(), **values,
            }
        )  # fmt: skip

    return make


@pytest.fixture
def operator(client: Client) -> Client:
    user = User.objects.create_user("olga", is_staff=True)
    user.groups.add(Group.objects.get(name="operator"))
    client.force_login(user)
    return client


@pytest.fixture
def ask(operator: Client) -> Callable[[Job], Job]:
    """Press the button, and do what the worker would."""

    def press(job: Job) -> Job:
        answer = operator.post(f"/admin/jobs/job/{job.pk}/cost/")
        assert (answer.status_code, answer["Location"]) == (302, f"/admin/jobs/job/{job.pk}/change/#lh-cost")
        inquiry = Job.objects.filter(kind="inquiry").latest("pk")
        Job.objects.filter(pk=inquiry.pk).update(released_at=Now())
        execute_job(inquiry.pk, worker="test")
        inquiry.refresh_from_db()
        return inquiry

    return press


def page(client: Client, job: Job) -> str:
    return client.get(f"/admin/jobs/job/{job.pk}/change/").content.decode()


def verdict(job: Job) -> tuple[str, str]:
    found = RequeueChecks().check(Job.objects.select_related("owner").get(pk=job.pk))
    return found.label, found.reasons


def test_the_answer_is_kept_and_shown_with_who_asked(
    dead: Callable[..., Job], ask: Callable[[Job], Job], operator: Client
) -> None:
    job = dead("SELECT generate_series(1, 5000) AS n")
    assert "Ask PostgreSQL" in page(operator, job)
    assert ask(job).state == State.SUCCEEDED
    shown = page(operator, job)
    assert "PostgreSQL expects about 5,000 rows at a cost of" in shown
    assert "Requested by olga" in shown
    assert verdict(job)[0] == "safe with a warning"  # the queue is paused


def test_while_a_worker_asks_the_page_says_so_and_a_second_press_asks_nobody(
    dead: Callable[..., Job], operator: Client
) -> None:
    job = dead("SELECT 1 AS a")
    for _ in range(2):
        operator.post(f"/admin/jobs/job/{job.pk}/cost/")
    assert Job.objects.filter(kind="inquiry").count() == 1
    assert "A worker is asking PostgreSQL, as requested by olga." in page(operator, job)
    Job.objects.filter(kind="inquiry").update(owner=None)  # as the command `dead_letters ask` submits it
    assert "A worker is asking PostgreSQL. <a" in page(operator, job)
    assert 'hx-trigger="every 1s"' in page(operator, job)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "outcome", "says", "word"),
    [
        ("SELECT a FROM nowhere", "refused", 'relation "nowhere" does not exist', "will fail again"),
        (fail, "refused", "no x password=***.", "will fail again"),
        ("SELECT 1 AS a; COMMIT", "refused", "cannot insert multiple commands", "will fail again"),
        (say_nothing, "refused", "planned: NotImplementedError.", "will fail again"),
        (eat, "undecided", "the type's code needed more than 512 MiB.", "safe with a warning"),
        (sleep_long, "timed-out", "longer than", "safe with a warning"),
    ],
)
def test_what_goes_wrong_is_an_answer(
    query: Any, outcome: str, says: str, word: str, dead: Callable[..., Job], ask: Callable[[Job], Job],
    operator: Client, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(inquiries, "DEADLINE_SECONDS", 2)
    job = dead(query)
    inquiry = ask(job)
    assert (inquiry.state, (inquiry.result or {})["outcome"], inquiry.attempts.count()) == ("succeeded", outcome, 1)
    found = verdict(job)
    assert found[0] == word
    assert says in found[1]
    assert "hunter2" not in page(operator, job)


def test_a_process_that_does_not_start_says_nothing_about_the_job(
    dead: Callable[..., Job], ask: Callable[[Job], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_to_start(*arguments: Any, **options: Any) -> None:
        raise CannotStartError

    monkeypatch.setattr(inquiries, "contained", fail_to_start)
    job = dead("SELECT 1 AS a")
    ask(job)
    word, why = verdict(job)
    assert word == "safe with a warning"
    assert "The cost could not be estimated: its process could not be started." in why


def test_the_verdict_is_the_same_on_the_page_in_a_bulk_run_and_in_the_terminal(
    dead: Callable[..., Job], ask: Callable[[Job], Job], operator: Client
) -> None:
    job = dead("SELECT a FROM nowhere")
    ask(job)
    assert "will fail again</span></h2>" in page(operator, job)
    confirmed = operator.post("/admin/jobs/job/", {"action": "requeue_jobs", "_selected_action": [str(job.pk)]})
    assert "will fail again" in confirmed.content.decode()
    out = StringIO()
    call_command("dead_letters", "list", stdout=out)
    call_command("dead_letters", "show", str(job.pk), stdout=out)
    call_command("dead_letters", "requeue", "--all", "--dry-run", "--reason", "r", stdout=out)
    assert "[will fail again]" in out.getvalue()
    assert "verdict on requeueing: will fail again\n" in out.getvalue()
    assert "1 match\n1 will fail again\n" in out.getvalue()

    olga = User.objects.get(username="olga")
    run = BulkRun.objects.create(act="requeue", criteria={"state": "dead"}, reason="r", ordered_by=olga)
    leg = Job.objects.create(kind="bulk", queue="operations", owner=olga, payload={}, max_attempts=1)
    attempt = Attempt.objects.create(job=leg, number=1, fencing_token=1, worker="test")
    check_jobs(JobContext(attempt, lease_seconds=60), run)
    item = BulkItem.objects.get(run=run)
    assert (item.get_level_display(), item.outcome) == ("will_fail", "refused")
    assert REFUSAL in item.why

    assert REFUSAL in requeue_checked_jobs([job.pk], actor="olga", reason="r").refused[job.pk]
    job.refresh_from_db()
    assert job.state == State.DEAD


def test_a_repaired_cause_is_safe_once_it_was_asked_again(
    dead: Callable[..., Job], ask: Callable[[Job], Job], report_of: Callable[..., str],
    report_types: dict[str, Any],
) -> None:  # fmt: skip
    job = dead("SELECT a FROM nowhere")
    ask(job)
    assert verdict(job)[0] == "will fail again"
    del report_types["made"]
    report_of("SELECT 1 AS a")
    assert verdict(job)[0] == "will fail again"
    ask(job)
    assert requeue_checked_jobs([job.pk], actor="olga", reason="r").changed == [job.pk]


def test_an_old_refusal_is_a_warning_and_one_about_another_payload_says_nothing(
    dead: Callable[..., Job], ask: Callable[[Job], Job]
) -> None:
    job = dead("SELECT a FROM nowhere")
    inquiry = ask(job)
    Job.objects.filter(pk=inquiry.pk).update(finished_at=Now() - timedelta(hours=2))
    word, why = verdict(job)
    assert word == "safe with a warning"
    assert "Asked 2 h ago: " in why
    assert "Ask again" in why
    Job.objects.filter(pk=job.pk).update(payload={**job.payload, "parameters": {"value": "y"}})
    assert "Asked" not in verdict(job)[1]


def test_a_worker_that_vanished_is_told_and_is_no_verdict(dead: Callable[..., Job], operator: Client) -> None:
    job = dead("SELECT 1 AS a")
    operator.post(f"/admin/jobs/job/{job.pk}/cost/")
    Job.objects.filter(kind="inquiry").update(state=State.DEAD, finished_at=Now())
    assert "The worker that handled the inquiry ended before it had an answer." in page(operator, job)
    assert verdict(job)[0] == "safe with a warning"


def test_who_may_not_requeue_may_not_ask(dead: Callable[..., Job], client: Client) -> None:
    job = dead("SELECT 1 AS a")
    viewer = User.objects.create_user("vera", is_staff=True)
    viewer.groups.add(Group.objects.get(name="viewer"))
    client.force_login(viewer)
    assert "Ask PostgreSQL" not in page(client, job)
    assert client.post(f"/admin/jobs/job/{job.pk}/cost/").status_code == 403
    assert not Job.objects.filter(kind="inquiry").exists()


def test_only_dead_and_failed_reports_can_be_asked_about_by_post(dead: Callable[..., Job], operator: Client) -> None:
    job = dead("SELECT 1 AS a", state=State.SUCCEEDED)
    assert operator.post(f"/admin/jobs/job/{job.pk}/cost/").status_code == 404
    assert operator.get(f"/admin/jobs/job/{job.pk}/cost/").status_code == 405


def test_its_owner_does_not_see_the_inquiry(
    dead: Callable[..., Job], operator: Client, owner: User, client: Client
) -> None:
    job = dead("SELECT 1 AS a")
    operator.post(f"/admin/jobs/job/{job.pk}/cost/")
    inquiry = Job.objects.get(kind="inquiry")
    client.force_login(owner)
    assert [report["id"] for report in client.get("/api/reports").json()["results"]] == [str(job.pk)]
    assert client.get(f"/api/operations/{inquiry.pk}").status_code == 404


def test_the_newest_are_found_in_one_query(
    dead: Callable[..., Job], operator: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    jobs = [dead("SELECT 1 AS a") for _ in range(3)]
    for job in jobs:
        operator.post(f"/admin/jobs/job/{job.pk}/cost/")
    with django_assert_num_queries(1):
        assert latest_inquiries(jobs).keys() == {job.pk for job in jobs}
