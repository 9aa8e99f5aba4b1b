"""Reports that are to run all the while: what is seen of them, and what is noticed when they do not."""

from contextlib import closing
from itertools import islice
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from bench import ordered
from bench.measuring import WrongWorkError
from bench.ordered import Watch
from examples.sales.models import OrderLine
from jobs.models import Job, Queue
from jobs.states import State
from tabular.copy_stream import copy_rows

pytestmark = pytest.mark.django_db(transaction=True)


def make_job(state: State, **values: Any) -> Job:
    return Job.objects.create(kind="report", queue="reports", payload={}, max_attempts=1, state=state, **values)


def watch(*jobs: Job, running: int) -> Watch:
    return Watch([job.pk for job in jobs], running=running)


def test_the_rows_that_the_server_sends_are_seen_at_once(database_url: str) -> None:
    running, waiting = make_job(State.RUNNING), make_job(State.QUEUED)
    seen = watch(running, waiting, running=1)
    with closing(psycopg.connect(database_url)) as session:
        session.execute("SELECT set_config('application_name', %s, false)", [f"longhaul {running.pk}"])
        statement = "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 1000000)) TO STDOUT"
        with closing(copy_rows(session, statement, check=lambda: None)) as chunks:
            for _ in range(2):
                for _ in islice(chunks, 20):  # more than lies between the server and its reader
                    pass
                seen.look()
    assert seen.rows_per_second() > 0


def test_nothing_ordered_is_no_rows() -> None:
    seen = watch(running=0)
    seen.look()
    assert seen.rows_per_second() == 0.0


@pytest.mark.parametrize(
    ("states", "running"),
    [
        ((State.RUNNING, State.RUNNING), 1),
        ((State.QUEUED, State.QUEUED), 1),
        ((State.RUNNING, State.SUCCEEDED), 1),
        ((State.SUCCEEDED,), 1),
    ],
)
def test_one_that_runs_too_many_or_too_few_is_wrong_work(states: tuple[State, ...], running: int) -> None:
    jobs = [make_job(state) for state in states]
    with pytest.raises(WrongWorkError, match=f"of {len(jobs)} reports 1 should run and the others wait, but they are:"):
        watch(*jobs, running=running).look()


def test_one_that_was_handed_out_beside_the_one_that_runs_is_wrong_work() -> None:
    jobs = [make_job(State.RUNNING), make_job(State.QUEUED, released_at=Now())]
    with pytest.raises(WrongWorkError, match="'queued': 1"):
        watch(*jobs, running=1).look()


def test_one_that_stands_still_is_wrong_work(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watch(make_job(State.RUNNING), running=1)
    seen.look()
    seen.look()
    monkeypatch.setattr(ordered, "STANDSTILL_SECONDS", 0.0)
    with pytest.raises(WrongWorkError, match="a report stands still at 0 rows"):
        seen.look()


def test_no_further_at_the_end_than_at_the_beginning_is_wrong_work() -> None:
    seen = watch(make_job(State.RUNNING), running=1)
    seen.look()
    seen.look()
    with pytest.raises(WrongWorkError, match="1 reports got no further than 0 rows"):
        seen.rows_per_second()


def test_reports_that_do_not_begin_are_wrong_work_and_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordered, "STALLED_SECONDS", 0.1)
    before = Queue.objects.filter(name="reports").values().get()
    with (
        pytest.raises(WrongWorkError, match="0 reports began where 2 should"),
        ordered.reports(User.objects.create_user("ada"), ordered=3, max_running=2, paused=True, rows_per_second=7),
    ):
        pass
    assert list(Job.objects.values_list("type", "state")) == [("order-lines", State.CANCELLED)] * 3
    assert Queue.objects.filter(name="reports").values().get() == before


def test_the_dials_count_within_the_block() -> None:
    with ordered.reports(User.objects.create_user("ada"), ordered=0, max_running=1, pace="auto") as seen:
        dials = Queue.objects.get(name="reports")
        assert (dials.max_running, dials.pace) == (1, "auto")
        seen.look()
    assert Queue.objects.get(name="reports").pace == "fixed"


def test_one_that_does_not_end_is_wrong_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordered, "STALLED_SECONDS", 0.1)
    jobs = [make_job(State.RUNNING), make_job(State.SUCCEEDED), make_job(State.QUEUED)]
    with pytest.raises(WrongWorkError, match="of 3 reports only 2 ended when they were cancelled"):
        ordered.cancel([job.pk for job in jobs], actor="ada")


def test_lines_are_seeded_once(capsys: pytest.CaptureFixture[str]) -> None:
    ordered.seed_lines(20)
    assert OrderLine.objects.count() == 20
    assert "sales_order_line: 20 rows" in capsys.readouterr().err
    ordered.seed_lines(20)
    assert capsys.readouterr().err == ""
