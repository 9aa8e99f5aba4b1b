"""Bulk runs and failure groups in the admin."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from jobs.admin.charts import HEIGHT, sparkline
from jobs.models import Job
from jobs.models.bulk import BulkItem, BulkRun, Stage
from jobs.states import State

pytestmark = pytest.mark.django_db
LIST = "/admin/jobs/job/"


@pytest.fixture
def run(staff: Client) -> BulkRun:
    staff.post("/admin/jobs/bulkrun/order/?act=requeue&state=dead", {"reason": "r", "jobs_per_second": "5"})
    return BulkRun.objects.get()


def test_everything_that_fits_a_filter_is_ordered_as_a_bulk_run(staff: Client, make_job: Callable[..., Job]) -> None:
    job = make_job(state=State.DEAD)
    chosen = {"action": "requeue_jobs", "_selected_action": [str(job.pk)], "select_across": "1"}
    sent_to = staff.post(f"{LIST}?state=dead&q=ada&p=2", chosen)["Location"]
    assert sent_to == "/admin/jobs/bulkrun/order/?act=requeue&state=dead&q=ada"
    asked = staff.get(sent_to).content.decode()
    assert "state dead, search ada" in asked
    ordered = staff.post(sent_to, {"reason": "fixed", "jobs_per_second": "50"})
    run = BulkRun.objects.get()
    assert ordered["Location"] == reverse("admin:jobs_bulkrun_change", args=[run.pk])
    assert (run.act, run.criteria, run.jobs_per_second) == ("requeue", {"state": "dead", "q": "ada"}, 50)


def test_a_filter_that_a_bulk_run_does_not_know_is_refused(staff: Client, make_job: Callable[..., Job]) -> None:
    job = make_job(state=State.DEAD)
    chosen = {"action": "requeue_jobs", "_selected_action": [str(job.pk)], "select_across": "1"}
    answer = staff.post(f"{LIST}?state__exact=dead", chosen, follow=True)
    assert "not available for bulk runs" in answer.content.decode()
    assert not BulkRun.objects.exists()


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"reason": " ", "jobs_per_second": "5"}, "This field is required."),
        ({"reason": "r", "jobs_per_second": "0"}, "greater than or equal to 1"),
        ({"reason": "r", "jobs_per_second": "1001"}, "less than or equal to 1000"),
    ],
)
def test_an_order_that_is_wrong_is_refused(staff: Client, fields: dict[str, str], complaint: str) -> None:
    answer = staff.post("/admin/jobs/bulkrun/order/?act=requeue&state=dead", fields)
    assert complaint in answer.content.decode()
    assert not BulkRun.objects.exists()


def test_an_act_that_there_is_not_is_not_found(staff: Client) -> None:
    assert staff.get("/admin/jobs/bulkrun/order/?act=explode").status_code == 404


def test_a_second_press_of_the_same_leads_to_the_run_of_the_first(staff: Client, run: BulkRun) -> None:
    again = staff.post("/admin/jobs/bulkrun/order/?act=requeue&state=dead", {"reason": "r", "jobs_per_second": "5"})
    assert again["Location"] == reverse("admin:jobs_bulkrun_change", args=[run.pk])
    assert BulkRun.objects.get() == run


def test_the_same_reason_once_the_run_has_gone_on_is_told_of_the_open_run(staff: Client, run: BulkRun) -> None:
    BulkRun.objects.update(stage=Stage.HALTED, note="The canary is dead.")
    again = staff.post("/admin/jobs/bulkrun/order/?act=requeue&state=dead", {"reason": "r", "jobs_per_second": "5"})
    assert again.status_code == 409
    assert f"Bulk run {run.pk} is already open for the same jobs: halted." in again.content.decode()


def test_the_page_of_a_run_counts_and_offers_what_fits(
    staff: Client, run: BulkRun, make_job: Callable[..., Job]
) -> None:
    for level, outcome, why in ((0, "pending", ""), (1, "pending", "a warning"), (2, "refused", "no kind")):
        BulkItem.objects.create(run=run, job_id=make_job().pk, fencing_token=0, level=level, outcome=outcome, why=why)
    page = reverse("admin:jobs_bulkrun_change", args=[run.pk])
    shown = staff.get(page)
    assert (shown.context["total"], shown.context["done"], shown.context["percent"]) == (3, 1, 33)
    assert [name for name, _ in shown.context["buttons"]] == ["drop"]
    assert "every 2s" in shown.content.decode()
    BulkRun.objects.update(stage=Stage.CHECKED)
    shown = staff.get(page)
    assert [name for name, _ in shown.context["buttons"]] == ["start", "start_at_once", "drop"]
    assert [row["why"] for row in shown.context["reasons"]] in (["a warning", "no kind"], ["no kind", "a warning"])
    staff.post(reverse("admin:jobs_bulkrun_steer", args=[run.pk]), {"button": "start_at_once"})
    assert BulkRun.objects.get().stage == Stage.RUNNING


@pytest.mark.parametrize(("stage", "button", "status"), [("done", "pause", 302), ("done", "explode", 404)])
def test_a_press_that_does_not_fit_does_nothing(
    staff: Client, run: BulkRun, stage: str, button: str, status: int
) -> None:
    BulkRun.objects.update(stage=stage)
    assert staff.post(reverse("admin:jobs_bulkrun_steer", args=[run.pk]), {"button": button}).status_code == status
    assert BulkRun.objects.get().stage == stage


def test_failure_groups_lead_to_their_jobs_and_to_bulk_orders(staff: Client, make_job: Callable[..., Job]) -> None:
    make_job(state=State.DEAD, error_fingerprint="f" * 16, error_class="E")
    page = staff.get("/admin/jobs/job/groups/").content.decode()
    assert f"/admin/jobs/job/?fingerprint={'f' * 16}" in page
    assert f"/admin/jobs/bulkrun/order/?act=requeue&amp;fingerprint={'f' * 16}" in page
    Job.objects.all().delete()
    assert "There are no dead or failed jobs." in staff.get("/admin/jobs/job/groups/").content.decode()


def test_a_sparkline_fills_its_picture_and_shows_each_value_but_zero() -> None:
    assert sparkline([0, 1, 100]) == [(0, HEIGHT, 0.0), (5, HEIGHT - 1.5, 1.5), (10, 0.0, HEIGHT)]
    assert sparkline([]) == []


def test_a_run_that_was_paused_over_its_canary_can_leave_it(
    staff: Client, run: BulkRun, make_job: Callable[..., Job]
) -> None:
    BulkRun.objects.update(stage=Stage.PAUSED, with_canary=True, canary=make_job().pk)
    page = reverse("admin:jobs_bulkrun_change", args=[run.pk])
    assert [name for name, _ in staff.get(page).context["buttons"]] == ["resume", "skip_canary", "drop"]
    staff.post(reverse("admin:jobs_bulkrun_steer", args=[run.pk]), {"button": "skip_canary"})
    assert BulkRun.objects.get().stage == Stage.RUNNING
    BulkRun.objects.update(stage=Stage.PAUSED, with_canary=False, canary=None)
    assert [name for name, _ in staff.get(page).context["buttons"]] == ["resume", "drop"]


def test_a_second_order_with_another_reason_is_told_of_the_open_run_and_keeps_its_reason(
    staff: Client, run: BulkRun
) -> None:
    BulkRun.objects.update(stage=Stage.HALTED, note="The canary is dead.")
    path, fields = "/admin/jobs/bulkrun/order/?act=requeue&state=dead", {"reason": "me too", "jobs_per_second": "5"}
    assert f"Bulk run {run.pk} is already open for the same jobs" in staff.get(path).content.decode()
    answer = staff.post(path, fields)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert f"Bulk run {run.pk} is already open for the same jobs: halted. The canary is dead." in page
    assert reverse("admin:jobs_bulkrun_change", args=[run.pk]) in page
    assert "me too" in page
    BulkRun.objects.update(stage=Stage.DROPPED)
    staff.post(path, fields)
    assert list(BulkRun.objects.order_by("pk").values_list("reason", flat=True)) == ["r", "me too"]


def test_undo_is_offered_while_a_job_waits_or_not_all_were_looked_at(
    staff: Client, run: BulkRun, make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    BulkRun.objects.update(stage=Stage.DONE)
    job = make_job(state=State.QUEUED)
    BulkItem.objects.create(run=run, job_id=job.pk, fencing_token=job.fencing_token, level=0, outcome="changed")
    page = reverse("admin:jobs_bulkrun_change", args=[run.pk])
    assert [name for name, _ in staff.get(page).context["buttons"]] == ["undo"]
    Job.objects.filter(pk=job.pk).update(fencing_token=job.fencing_token + 1)  # it waits for another try
    assert staff.get(page).context["buttons"] == []
    monkeypatch.setattr("jobs.bulk.outcome.MOST_COUNTED", 1)
    assert [name for name, _ in staff.get(page).context["buttons"]] == ["undo"]


def test_the_page_of_a_run_says_what_became_of_the_jobs(
    staff: Client, run: BulkRun, make_job: Callable[..., Job]
) -> None:
    BulkRun.objects.update(stage=Stage.DONE)
    for state in (State.SUCCEEDED, State.DEAD, State.DEAD, State.FAILED, State.QUEUED, State.RUNNING):
        job = make_job(state=state, fencing_token=1)
        BulkItem.objects.create(run=run, job_id=job.pk, fencing_token=0, level=0, outcome="changed")
    page = reverse("admin:jobs_bulkrun_change", args=[run.pk])
    shown = staff.get(page)
    assert shown.context["current_states"] == [
        ("succeeded", 1), ("failed again", 2), ("failed, to be retried", 1), ("running", 1), ("waiting", 1),
    ]  # fmt: skip
    assert "every 10s" in shown.content.decode()
    Job.objects.update(state=State.SUCCEEDED)
    shown = staff.get(page)
    assert shown.context["current_states"] == [("succeeded", 6)]
    assert "data-live" not in shown.content.decode()
