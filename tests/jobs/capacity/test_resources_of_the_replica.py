"""Sessions of the database that reports are read from, where that is another."""

from collections.abc import Iterator

import pytest
from django.conf import settings

from jobs.capacity.resources import OTHER_SESSIONS, Sessions, read_resources
from jobs.models import Queue

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "replica"])


@pytest.fixture(scope="module", autouse=True)
def alias(django_db_setup: None) -> Iterator[None]:
    """What `REPLICA_URL` does; Django is to know it before a test begins. It is the same server under another name."""
    with pytest.MonkeyPatch.context() as patch:
        known = settings.DATABASES["default"]
        patch.setitem(settings.DATABASES, "replica", {**known, "TEST": {**known["TEST"], "MIRROR": "default"}})
        yield


def read(*, reads: bool = True) -> list[Sessions]:
    queue = Queue.objects.get(name="reports")
    return read_resources(queue, of=None, reads_database=reads).sessions


def test_the_replica_is_asked_for_its_own() -> None:
    mine, replica = read()
    assert (mine.database, mine.per_worker) == ("default", 2)
    assert replica == Sessions("replica", (mine.left or 0) + OTHER_SESSIONS, 1)
    assert len(read(reads=False)) == 1


def test_the_dial_says_which_database_is_read() -> None:
    Queue.objects.filter(name="reports").update(database="default", pace="auto")
    [mine] = read()
    assert (mine.database, mine.per_worker) == ("default", 4)


def test_a_replica_that_is_down_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("HOST", "127.0.0.1"), ("PORT", "1")):
        monkeypatch.setitem(settings.DATABASES["replica"], name, value)
    [_, replica] = read()
    assert (replica.left, replica.per_worker) == (None, 1)
    assert "refused" in replica.complaint
