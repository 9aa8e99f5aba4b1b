"""What follows a commit."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, transaction

from jobs.dispatch.release import Unsent
from jobs.dispatch.submission import submit_job
from jobs.models import Job
from jobs.postgres.commit import after_commit, ask_after_commit

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_is_called_once_the_transaction_has_committed() -> None:
    heard: list[str] = []
    with transaction.atomic():
        after_commit(heard.append, "committed")
        assert heard == []
    assert heard == ["committed"]


@pytest.mark.parametrize("in_transaction", [True, False])
def test_an_error_of_it_is_logged_and_the_job_is_accepted(
    in_transaction: bool,
    owner: User,
    kind_of: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def release_badly(queue: str | Unsent, **hints: object) -> None:
        raise ConnectionError(f"{queue if isinstance(queue, str) else queue.queue} is out of reach")

    monkeypatch.setattr("jobs.dispatch.submission.release_jobs", release_badly)
    monkeypatch.setattr("jobs.dispatch.insertion.send_messages", lambda queue, ids: Unsent(queue, ids, KeyError()))
    monkeypatch.setattr(Unsent, "take_back", release_badly)
    kind = kind_of(lambda context: None)
    if in_transaction:
        with transaction.atomic():
            job = submit_job(kind=kind, owner=owner, payload={})
    else:
        job = submit_job(kind=kind, owner=owner, payload={})
    assert Job.objects.get() == job
    assert "release_badly" in caplog.text
    assert "reports is out of reach" in caplog.text


@pytest.mark.parametrize(("error", "level"), [(OperationalError("lost"), "WARNING"), (KeyError("ours"), "ERROR")])
def test_what_the_answer_cannot_find_out_is_logged_and_the_answer_does_without(
    error: Exception, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    def ask() -> str:
        raise error

    assert ask_after_commit(lambda: "known", otherwise=str) == "known"
    assert ask_after_commit(ask, otherwise=str) == ""
    assert [record.levelname for record in caplog.records] == [level]
