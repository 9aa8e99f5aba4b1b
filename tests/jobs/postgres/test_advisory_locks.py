"""So many at once, over all processes."""

import pytest
from django.db import connection

from jobs.postgres.advisory_locks import slot
from tests.support.threads import Threads
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def is_free(*, of: int) -> bool:
    """Whether another session finds a slot."""

    def hold_one() -> bool:
        with slot("test", of=of) as held:
            return held

    with Threads(1) as elsewhere:
        return elsewhere.submit(hold_one).result()


def test_there_are_as_many_as_were_said() -> None:
    with slot("test", of=1) as held:
        assert held
        assert not is_free(of=1)
        assert is_free(of=2)
    assert is_free(of=1)


def test_it_is_free_again_when_the_block_raises() -> None:
    with pytest.raises(ZeroDivisionError), slot("test", of=1):
        raise ZeroDivisionError
    assert is_free(of=1)


def test_it_is_free_again_when_the_session_is_gone() -> None:
    with slot("test", of=1):
        connection.close()
        wait_until(lambda: is_free(of=1), message="PostgreSQL ends the session")
