"""How fast a client must send. The body moves the clock."""

import hashlib

import pytest
from pytest_django import Settings

from jobs.http.parsers import RequestTimeoutError
from jobs.http.problems import ProblemError
from tests.support.manual_clock import Clock
from uploads.api.reading import Pieces

Step = tuple[float, bytes | Exception | None]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Clock:
    settings.UPLOAD_MIN_BYTES_PER_SECOND = 10
    settings.UPLOAD_RATE_WINDOW_SECONDS = 5
    settings.UPLOAD_TIMEOUT_SECONDS = 60
    clock = Clock()
    monkeypatch.setattr("uploads.api.reading.time.monotonic", clock)
    return clock


class Body:
    """It arrives in steps: seconds until then, and bytes, None for nothing yet, or an error."""

    def __init__(self, clock: Clock, *steps: Step) -> None:
        self.clock, self.steps = clock, list(steps)

    def read_arrived(self, size: int, *, seconds: float) -> bytes | None:
        wait, data = self.steps.pop(0)
        self.clock.now += wait
        if isinstance(data, Exception):
            raise data
        return data


def test_what_arrives_is_handed_on_and_hashed(clock: Clock) -> None:
    body = Body(clock, (0, b"ab"), (1, None), (1, b"c"), (0, b"d"))
    pieces = Pieces(body, length=4, hashed=True)
    assert list(pieces) == [b"ab", b"c", b"d"]
    assert pieces.sha256 is not None
    assert pieces.sha256.digest() == hashlib.sha256(b"abcd").digest()


@pytest.mark.parametrize(
    ("steps", "seconds"),
    [
        ([(1, None)] * 9, 5),
        ([(1, b"x" * 9)] * 9, 5),
        ([(0.5, b"x")] * 99, 5),
        ([(1, b"x" * 100)] * 5 + [(1, None)] * 9, 10),
        ([(0, b"x" * 1000)] + [(1, None)] * 20, 10),
    ],
    ids=["silent", "slow", "drips", "stops", "stops after a burst"],
)
def test_a_slow_client_is_cut_off_after_a_window(steps: list[Step], seconds: float, clock: Clock) -> None:
    began = clock.now
    with pytest.raises(RequestTimeoutError, match="less than 10 bytes"):
        list(Pieces(Body(clock, *steps), length=10_000, hashed=False))
    assert clock.now - began == seconds


def test_the_time_that_storing_takes_is_not_the_clients(clock: Clock) -> None:
    body = Body(clock, *[(0.1, b"x")] * 10)
    for _ in Pieces(body, length=10, hashed=False):
        clock.now += 5.5
    assert body.steps == []


def test_the_whole_body_has_a_bound_too(clock: Clock) -> None:
    with pytest.raises(RequestTimeoutError, match="within 60 s"):
        list(Pieces(Body(clock, *[(1, b"x" * 20)] * 99), length=10_000, hashed=False))


@pytest.mark.parametrize("error", [EOFError(), ConnectionResetError()])
def test_a_client_that_is_gone_has_sent_nothing(error: Exception, clock: Clock) -> None:
    with pytest.raises(ProblemError, match="97 bytes before") as caught:
        list(Pieces(Body(clock, (0, b"abc"), (0, error)), length=100, hashed=False))
    assert (caught.value.status_code, caught.value.problem_code) == (400, "incomplete-body")
