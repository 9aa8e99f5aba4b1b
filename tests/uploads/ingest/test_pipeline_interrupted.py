"""Uploads that are canceled, or lose their session or an answer, at each point; and one file that is sent twice."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.db import OperationalError, connection, connections
from django.db.models.functions import Now

from jobs.context import JobContext
from jobs.errors import CancelRequestedError
from jobs.interventions.cancellation import cancel_jobs
from jobs.models import Artifact, Job, Queue
from jobs.states import State
from jobs.worker import execution, transitions
from tests.support.gates import POINTS, gate_at
from tests.support.movements import make_item, make_movement, moved
from tests.support.threads import Threads
from tests.support.tokens import client_of
from tests.support.uploads import run
from uploads.ingest import pipeline, turns
from uploads.ingest.session import Session

pytestmark = pytest.mark.django_db(transaction=True)

#: A request to cancel waits for these, which take no time: the job is being ended.
TOO_LATE = {"finish", "commit"}
#: The files of an upload that has succeeded.
WHOLE = {"source", "results", "before"}
#: A machine that runs other tests at the same time is slower.
SLOW = 3


@pytest.fixture(autouse=True)
def item(owner: User) -> None:
    make_item(owner)


def run_again(job: Job) -> Job:
    Job.objects.filter(pk=job.pk).update(state=State.QUEUED, released_at=Now())
    return run(job)


def roles_stored(job: Job) -> set[str]:
    """The roles of the job's files in storage, whatever the database says."""
    names = storages["artifacts"].listdir(job.pk.hex[-2:])[1]
    return {name.rpartition(".")[2] for name in names if name.startswith(str(job.pk))}


def interrupted(job: Job, point: str, act: Callable[[Job, int], object]) -> Job:
    """Run the job, and do something to it or to its backend while it stands at the gate."""
    with Threads(1) as threads, gate_at(point) as gate:
        running = threads.submit(run, job)
        act(job, gate.wait())
        return running.result(20)


def end_session(job: Job, pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])


def test_a_session_that_ends_at_each_point(owner: User) -> None:
    """The attempt fails for the true reason, leaves nothing, and the next one writes the row once."""
    for quantity, point in enumerate(POINTS, start=1):
        job = interrupted(make_movement(owner, quantity), point, end_session)
        assert (job.state, roles_stored(job)) == (State.FAILED, {"source"}), point
        assert (job.result or {})["error"]["retryable"], point
        assert moved() == list(range(1, quantity)), point
        job = run_again(job)
        assert (job.state, roles_stored(job)) == (State.SUCCEEDED, WHOLE), job.error_message
        assert moved() == list(range(1, quantity + 1)), point


def test_a_cancelation_at_each_point(owner: User) -> None:
    """It takes no more than two seconds, even within a statement, and leaves the table as it was."""
    seconds = {}

    def cancel(job: Job, pid: int) -> None:
        seconds[job.pk] = time.monotonic()
        cancel_jobs([job.pk], actor="ada")

    for point in POINTS.keys() - TOO_LATE:
        job = interrupted(make_movement(owner, 1), point, cancel)
        seconds[job.pk] = time.monotonic() - seconds[job.pk]
        assert (job.state, roles_stored(job), moved()) == (State.CANCELLED, {"source"}, []), point
    assert max(seconds.values()) < 2 * SLOW, seconds


def test_a_cancelation_between_two_statements(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """It cancels neither, so the second must not begin: it may take an hour."""

    def take_turn(session: Session, table: str, context: JobContext) -> None:
        turns.take_turn(session, table, context)
        context.stop(CancelRequestedError("now"))

    monkeypatch.setattr(pipeline, "take_turn", take_turn)
    with gate_at("staged") as gate, Threads(1) as threads:
        running = threads.submit(run, make_movement(owner, 1))
        assert running.result(8).state == State.CANCELLED
        assert not gate.is_reached()


def test_the_answer_to_a_commit_that_is_lost(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are written and the job has ended; the attempt that does not know it spoils neither."""
    lost: list[int] = []

    def finish_job(*args: Any, **options: Any) -> None:
        transitions.finish_job(*args, **options)
        if not lost:
            lost.append(1)
            connections.close_all()
            raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(execution, "finish_job", finish_job)
    job = run(make_movement(owner, 1))
    assert (job.state, lost, moved()) == (State.SUCCEEDED, [1], [1])
    assert roles_stored(job) == WHOLE
    assert (job.result or {})["upload"]["phase"] == "merged"


@pytest.mark.parametrize("keys", [("one", "one"), ("", "")])
def test_the_same_file_twice_at_once(keys: tuple[str, str], owner: User, stored: Callable[[], set[str]]) -> None:
    """Under one Idempotency-Key it is one upload with one file; under none two, the second of which changes nothing."""
    Queue.objects.filter(name="uploads").update(paused=True)  # no worker of another test is to take them
    clients = [client_of(owner) for _ in keys]

    def send(number: int) -> int:
        headers = {"Idempotency-Key": keys[number]} if keys[number] else {}
        path = "/api/uploads?uploadType=items"
        body = b"Code,Name,Price\nA-1,Bolt,5\nA-2,Nut,1\n"
        return clients[number].post(path, data=body, content_type="text/csv", headers=headers).status_code

    with Threads(2) as threads:
        answers = set(threads.map(send, range(2)))
    assert answers <= ({202, 409} if keys[0] else {202})
    jobs = list(Job.objects.all())
    assert len(jobs) == (1 if keys[0] else 2)
    assert len(stored()) == len(jobs) == Artifact.objects.count()
    shown = [(run_again(job).result or {})["upload"] for job in jobs]
    found = [(one["rowsInserted"], one["rowsUpdated"], one["rowsUnchanged"]) for one in shown]
    assert found == [(1, 1, 0), (0, 0, 2)][: len(jobs)]
