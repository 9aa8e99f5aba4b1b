"""Capacity planning from the command line."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.models.functions import Now
from pytest_django import DjangoAssertNumQueries

from jobs.models import Attempt, Job, Queue, TypeDials
from jobs.states import Outcome, State

pytestmark = pytest.mark.django_db
ASKED = ("--queue", "reports", "--arrivals-per-minute", "60", "--target-wait", "30")


@pytest.fixture
def past(make_job: Callable[..., Job]) -> Callable[..., None]:
    """So many jobs that took as many seconds each; `reads` says that they are reports."""

    def make(jobs: int, seconds: float, *, reads: bool = False, **values: Any) -> None:
        for _ in range(jobs):
            Attempt.objects.create(
                job=make_job(**{"state": State.SUCCEEDED, "type": "sales"} | values), number=1, fencing_token=1,
                worker="w", outcome=Outcome.SUCCEEDED, rows=1000, peak_memory_bytes=100 * 1024**2,
                started_at=Now() - timedelta(seconds=seconds), finished_at=Now(),
                conditions={"pace": "fixed"} if reads else None,
            )  # fmt: skip

    return make


def run(*words: str) -> str:
    out = StringIO()
    call_command("plan_capacity", *words, stdout=out)
    return out.getvalue()


def ask(*words: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run(*words, "--json"))
    return answer


def limits(answer: dict[str, Any]) -> dict[str, float | None]:
    return {limit["resource"]: limit["arrivalsPerMinute"] for limit in answer["limits"]}


def test_an_operator_reads_how_many_workers_and_what_breaks_first(past: Callable[..., None]) -> None:
    past(15, 5)
    past(15, 15)
    text = run(*ASKED)
    assert (
        text[: text.index("What breaks first")]
        == """\
Queue reports: 60 arrivals a minute, 95 % must start within 30 s

History:
  arrivals   30 jobs in 1 min: 30 a minute, 30 a minute in the busiest hour
  attempts   30, of which 30 succeeded; 1.00 for each job; the longest took 15 s
  a job      has 1,000 rows, and leaves 0.00 MiB of files
  a worker   uses 100 MiB of memory at an attempt's peak on average, 100 at most
Service: 10 s on average, squared coefficient of variation 0.25; of arrivals 1.00

Load: 10.00 erlangs, the average number of busy workers
Workers needed: 11, enough for up to 62.5 arrivals a minute
Breaks first: max_running = 4, at 20.6 arrivals a minute; that is not enough

  workers    busy    mean wait    95 % start within    95 % find waiting
       10   100 %   too few: the queue grows without end
>      11    91 %        4.4 s                 17 s          17 or fewer
       12    83 %        1.5 s                7.2 s           8 or fewer

"""
    )
    assert (
        """\
What breaks first, given as many workers as the arrivals need (! not enough for this load):
  arrivals/min   resource                               what to do
!         20.6   max_running = 4                        raise the dial max_running
                 BREAKS FIRST: at most 4 workers have a job at once
"""
        in text
    )
    assert (
        """\
        21,000   hand-out of the queue                  spread the work over several queues, or make jobs larger
                 350 attempts/s under the lock of the queue's row, as measured on 2 cores
      no limit   max_queued                             the dial is empty
"""
        in text
    )
    assert re.search(r"^ +[\d,]+   memory of this machine +run workers on more machines$", text, re.MULTILINE)
    assert re.search(r"^ +[\d,]+   sessions of PostgreSQL \(default\) +raise max_connections$", text, re.MULTILINE)
    assert (
        "\n     not known   most rows/s seen so far                no rows have been counted yet (jobs_activity)\n"
        in text
    )


def test_programs_read_json(past: Callable[..., None]) -> None:
    past(30, 10)
    Queue.objects.filter(name="reports").update(max_running=20, max_queued=60)
    answer = ask(*ASKED)
    assert {name: answer[name] for name in ("queue", "type", "workersNeeded", "targetWaitSeconds", "percentile")} == {
        "queue": "reports", "type": None, "workersNeeded": 11, "targetWaitSeconds": 30.0, "percentile": 95.0
    }  # fmt: skip
    assert answer["arrivalsPerMinute"] == pytest.approx(60)
    assert answer["erlangs"] == pytest.approx(10, rel=1e-3)
    assert answer["history"]["attempts"] == 30
    assert [outlook["workers"] for outlook in answer["outlooks"]] == [10, 11, 12]
    assert answer["outlooks"][0]["meanWait"] is None
    assert answer["breaksFirst"] == "max_running = 20"
    assert limits(answer)["max_queued = 60"] == pytest.approx(120)
    assert limits(answer)["max_queued_per_owner"] is None


def test_a_percentile_bursts_and_a_service_by_hand_count(past: Callable[..., None]) -> None:
    past(30, 10)
    assert ask(*ASKED, "--percentile", "99.9")["workersNeeded"] > 11
    assert ask(*ASKED, "--arrival-cv2", "9")["workersNeeded"] > 11
    by_hand = ask(*ASKED, "--service-seconds", "1", "--service-cv2", "4")
    assert (by_hand["serviceSeconds"], by_hand["serviceCv2"], by_hand["workersNeeded"]) == (1, 4, 2)
    assert by_hand["history"]["attempts"] == 30


def test_too_little_history_is_an_error_unless_the_service_is_given(past: Callable[..., None]) -> None:
    past(29, 10)
    with pytest.raises(
        CommandError, match=r"^too little history: 29 attempts ended in the last 3 days, and at least 30 "
    ) as e:
        run(*ASKED, "--days", "3")
    assert e.value.returncode == 1
    assert str(e.value).endswith("Give --service-seconds (and --service-cv2).")
    answer = ask(*ASKED, "--service-seconds", "10")
    assert (answer["history"], answer["serviceCv2"], answer["attemptsPerJob"]) == (None, 1.0, 1.0)
    assert answer["workersNeeded"] == 11
    assert "\nHistory: too little to learn from\n" in run(*ASKED, "--service-seconds", "10")
    assert limits(answer)["memory of this machine"] is None


def test_one_type_is_planned_with_its_own_dials(past: Callable[..., None]) -> None:
    past(30, 10)
    past(30, 100, type="stock")
    TypeDials.objects.create(kind="test", type="sales", max_running=2)
    answer = ask(*ASKED, "--type", "sales")
    assert (answer["type"], answer["workersNeeded"], answer["breaksFirst"]) == (
        "sales",
        11,
        "max_running of the type = 2",
    )
    assert answer["notes"] == ["other types in the queue need additional workers"]
    assert ask(*ASKED)["serviceSeconds"] == pytest.approx(55, rel=1e-3)
    assert run(*ASKED, "--type", "sales").startswith("Queue reports, type sales: 60 arrivals a minute")


def test_what_reads_takes_a_session_more(past: Callable[..., None]) -> None:
    past(30, 10, reads=True)
    past(30, 10, queue="callbacks")
    assert "3 for each busy one" in run(*ASKED)
    assert "2 for each busy one" in run("--queue", "callbacks", *ASKED[2:])
    assert "3 for each busy one" in run("--queue", "uploads", *ASKED[2:], "--service-seconds", "1")
    fewer, more = (ask(*ASKED, "--other-sessions", number) for number in ("90", "0"))
    name = "sessions of PostgreSQL (default)"
    assert (limits(fewer)[name] or 0) < (limits(more)[name] or 0)


def test_what_the_figures_do_not_say_stands_below_them(past: Callable[..., None]) -> None:
    past(30, 10)
    Queue.objects.filter(name="reports").update(paused=True, accepting=False, max_running_per_owner=2)
    assert run(*ASKED).splitlines()[-3:] == [
        "Note: the queue is paused",
        "Note: the queue does not accept new jobs",
        "Note: each owner has at most 2 places (max_running_per_owner) and may wait longer",
    ]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--arrivals-per-minute", "0"), "argument --arrivals-per-minute: 0 is not above 0"),
        (("--arrivals-per-minute", "-1"), "argument --arrivals-per-minute: -1 is not 0 or more"),
        (("--arrivals-per-minute", "many"), "argument --arrivals-per-minute: many is not a number"),
        (("--arrivals-per-minute", "nan"), "argument --arrivals-per-minute: nan is not 0 or more"),
        (("--arrivals-per-minute", "1e9"), "this load keeps 166,666,667 workers busy, and the maximum is 10,000"),
        (("--target-wait", "-5"), "argument --target-wait: -5 is not 0 or more"),
        (("--percentile", "100"), "argument --percentile: 100 is not below 100"),
        (("--days", "0"), "argument --days: 0 is not above 0"),
        (("--service-seconds", "0"), "argument --service-seconds: 0 is not above 0"),
        (("--other-sessions", "-1"), "argument --other-sessions: -1 is not 0 or more"),
        (
            ("--queue", "reprots"),
            "there is no queue reprots; the queues are: callbacks, calls, mail, operations, reports, tasks, uploads",
        ),
        (("--type", "sails"), "the queue reports has no jobs of type sails; its types are: sales, stock"),
        (("--type", "x", "--queue", "uploads"), "the queue uploads has no jobs of type x; its types are: none"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_is_told(past: Callable[..., None], words: tuple[str, ...], complaint: str) -> None:
    past(1, 1)
    past(1, 1, type="stock")
    with pytest.raises(CommandError, match=re.escape(complaint)):
        run(*ASKED, "--service-seconds", "10", *words)


def test_six_queries_tell_all_however_long_the_history_and_one_more_of_a_type(
    past: Callable[..., None], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    past(30, 10)
    with django_assert_num_queries(6):
        run(*ASKED)
    past(50, 10, type="stock")
    with django_assert_num_queries(6):
        run(*ASKED)
    with django_assert_num_queries(7):
        run(*ASKED, "--type", "sales")
