"""Dead letters from the command line."""

import getpass
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.models.functions import Now

from jobs.models import Attempt, Job
from jobs.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nothing_is_published")]


@pytest.fixture
def dead_job(make_job: Callable[..., Job], kind_of: Callable[..., str]) -> Callable[..., Job]:
    kind_of(lambda context: None)
    return lambda **values: make_job(
        **{
            "state": State.DEAD,
            "finished_at": Now(),
            "error_class": "x.OddError",
            "error_message": "odd\nvery",
            "error_fingerprint": "f1",
            **values,
        }
    )


def run(*words: Any, **options: Any) -> str:
    out = StringIO()
    call_command("dead_letters", *map(str, words), stdout=out, stderr=out, **options)
    return out.getvalue()


def test_the_list_shows_dead_jobs_newest_first(dead_job: Callable[..., Job]) -> None:
    first, second = dead_job(), dead_job(kind="other")
    dead_job(state=State.FAILED)
    lines = run("list").splitlines()
    assert [line.split("  ")[0] for line in lines[:2]] == [str(second.pk), str(first.pk)]
    assert lines[0].endswith("other  reports  ada  [will fail again]  f1  x.OddError: odd")
    assert lines[2] == "2 dead"
    assert run("list", "--kind", "test", "--limit", "1").splitlines()[-1] == "1 dead"
    assert run("list", "--error", "odderror").splitlines()[-1] == "2 dead"
    assert run("list", "--queue", "uploads").splitlines() == ["0 dead"]


def test_groups_are_of_equal_failures(dead_job: Callable[..., Job]) -> None:
    for fingerprint in ("f1", "f2", "f2"):
        dead_job(error_fingerprint=fingerprint)
    lines = [line.split("  ")[:2] for line in run("list", "--groups").splitlines()]
    assert lines == [["f2", "2"], ["f1", "1"]]


def test_one_job_is_shown_with_attempts_and_timeline(dead_job: Callable[..., Job]) -> None:
    job = dead_job(payload={"year": "2023"})
    Attempt.objects.create(
        job=job, number=1, fencing_token=1, worker="csv@host", outcome="failed", error_class="x.OddError",
        error_message="odd", traceback="Traceback …",
    )  # fmt: skip
    run("discard", job.pk, "--reason", "obsolete", "--actor", "grace")
    shown = run("show", job.pk, "--traceback")
    for part in (
        '"year": "2023"',
        "csv@host  x.OddError: odd",
        'cancelled  grace  {"reason": "obsolete"',
        "Traceback …",
    ):
        assert part in shown
    with pytest.raises(CommandError, match="there is no job"):
        run("show", "00000000-0000-0000-0000-000000000001")


def test_requeue_and_discard_name_who_and_why(dead_job: Callable[..., Job]) -> None:
    job, other = dead_job(), dead_job()
    assert run("requeue", job.pk, "--reason", "mended") == "1 requeued\n"
    assert run("discard", other.pk, "--reason", "obsolete") == "1 discarded\n"
    assert dict(Job.objects.values_list("pk", "state")) == {job.pk: State.QUEUED, other.pk: State.CANCELLED}
    event = job.events.get()
    assert (event.actor, event.details["reason"]) == (getpass.getuser(), "mended")


def test_all_means_those_that_the_filters_match(dead_job: Callable[..., Job]) -> None:
    one, other = dead_job(), dead_job(error_fingerprint="f2")
    assert (
        run("requeue", "--all", "--fingerprint", "f2", "--reason", "r", "--dry-run")
        == "1 match\n1 safe with a warning\n"
    )
    assert Job.objects.filter(state=State.DEAD).count() == 2
    assert run("requeue", "--all", "--fingerprint", "f2", "--reason", "r") == "1 requeued\n"
    assert dict(Job.objects.values_list("pk", "state")) == {one.pk: State.DEAD, other.pk: State.QUEUED}


def test_a_refusal_is_told_and_ends_with_an_error(dead_job: Callable[..., Job]) -> None:
    job, running, gone = dead_job(), dead_job(state=State.RUNNING), dead_job(kind="gone")
    out = StringIO()
    with pytest.raises(CommandError, match="2 refused"):
        call_command("dead_letters", "requeue", job.pk, running.pk, gone.pk, "--reason", "r", stdout=out, stderr=out)
    assert out.getvalue().splitlines() == [
        "1 requeued",
        f"{running.pk} was not requeued: It is running: only dead and failed jobs can be requeued.",
        f"{gone.pk} was not requeued: No installed app registers the kind gone.",
    ]


@pytest.mark.parametrize("words", [(), ("--all", "00000000-0000-0000-0000-000000000001")])
def test_which_jobs_must_be_said(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="give either job IDs"):
        run("requeue", *words, "--reason", "r")


def test_a_blank_reason_is_refused(dead_job: Callable[..., Job]) -> None:
    with pytest.raises(CommandError, match="enter a reason"):
        run("requeue", dead_job().pk, "--reason", " ")


def test_an_inquiry_is_submitted_once_about_each(dead_job: Callable[..., Job]) -> None:
    job = dead_job(payload={"a": 1})
    assert run("ask", job.pk) == "jobs asked about: 1\n"
    assert run("ask", job.pk) == "jobs asked about: 1\n"
    inquiry = Job.objects.get(kind="inquiry")
    assert (inquiry.type, inquiry.queue, inquiry.owner) == (str(job.pk), "operations", None)
    with pytest.raises(CommandError, match="no dead or failed jobs"):
        run("ask", inquiry.pk)
