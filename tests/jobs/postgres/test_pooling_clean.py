"""Sessions that are given back clean: their next users need no round trip to make them ready."""

import pytest
from django.db import connection, transaction

from jobs.postgres import pooling
from jobs.postgres.deadlines import answering_within
from jobs.postgres.pooling import clean_session, release_connection
from jobs.postgres.sessions import setting_statements
from tests.support.pools import in_thread, pid, setting

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def counted_resets(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each statement that makes a session ready, in order."""
    seen: list[str] = []

    def counting(**further: str) -> str:
        seen.append("reset")
        return setting_statements(**further)

    monkeypatch.setattr(pooling, "setting_statements", counting)
    return seen


@pytest.mark.usefixtures("alone")
def test_a_clean_session_needs_no_round_trip_for_its_next_user(counted_resets: list[str]) -> None:
    with clean_session():
        mine = pid()
    assert connection.connection is None
    assert len(counted_resets) == 1
    assert in_thread(pid) == mine
    assert len(counted_resets) == 1


@pytest.mark.usefixtures("alone")
def test_a_session_is_clean_for_one_user_only(counted_resets: list[str]) -> None:
    with clean_session():
        pid()
    pid()
    release_connection()
    pid()
    assert len(counted_resets) == 2


@pytest.mark.usefixtures("alone")
def test_a_session_that_the_thread_already_had_is_neither_clean_nor_given_back() -> None:
    before = setting("jit")
    with connection.cursor() as cursor:
        cursor.execute("SET jit = on")
    with clean_session():
        pid()
    assert connection.connection is not None
    release_connection()
    assert setting("jit") == before


@pytest.mark.usefixtures("alone")
def test_a_clean_session_within_a_short_check_is_made_ready_for_the_next_user() -> None:
    with answering_within(5), clean_session():
        assert setting("statement_timeout") == "4s"
    release_connection()
    assert setting("statement_timeout") == "0"


@pytest.mark.usefixtures("alone")
def test_a_clean_session_gets_the_bounds_of_a_short_check() -> None:
    with clean_session():
        pid()
    with answering_within(5):
        assert setting("statement_timeout") == "4s"


@pytest.mark.usefixtures("alone")
def test_a_clean_session_that_was_idle_for_long_is_checked(
    counted_resets: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server may have restarted meanwhile."""
    monkeypatch.setattr(pooling, "CLEAN_SECONDS", 0)
    with clean_session():
        pid()
    pid()
    assert len(counted_resets) == 2


@pytest.mark.usefixtures("alone")
def test_a_transaction_keeps_a_clean_session() -> None:
    with transaction.atomic():
        with clean_session():
            pid()
        assert connection.connection is not None


def test_without_a_pool_a_clean_session_is_kept() -> None:
    before = pid()
    with clean_session():
        assert pid() == before
    assert pid() == before
