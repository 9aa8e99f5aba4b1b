"""The jobs that a worker has handed out to itself."""

from uuid import UUID

import pytest

from jobs.worker.reserved import Reserved
from tests.support.messages import message_ids

IDS = [UUID(int=number) for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("seconds", "count"), [(0, 8), (0.001, 8), (0.006, 8), (0.01, 5), (0.024, 2), (0.026, 1), (0.051, 0), (60, 0)]
)
def test_as_many_as_take_a_twentieth_of_a_second(seconds: float, count: int) -> None:
    assert Reserved.how_many(seconds) == count


def test_they_are_taken_in_turn() -> None:
    reserved = Reserved("q")
    assert (reserved.first(), reserved.were_all) == (None, False)
    reserved.add(IDS, were_all=True)
    assert (reserved.first(), reserved.were_all) == (IDS[0], True)
    reserved.remove(IDS[0])
    assert reserved.first() == IDS[1]
    reserved.remove(IDS[0])
    assert reserved.first() == IDS[1], "somebody else has published it meanwhile"


def test_what_is_left_is_published_once(unheard: str) -> None:
    reserved = Reserved(unheard)
    reserved.add(IDS, were_all=False)
    reserved.remove(IDS[0])
    reserved.publish()
    reserved.publish()
    assert message_ids(unheard) == [str(one) for one in IDS[1:]]
    assert reserved.first() is None
