"""Whether PostgreSQL answers."""

import threading

import pytest

from jobs.postgres.probing import Probe


@pytest.mark.django_db(transaction=True)
def test_a_look_that_could_not_begin_is_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    probe = Probe()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError):
            probe.answers(within=10)
    assert probe.answers(within=10)
