"""How long to wait, by what servers write into their headers: sense and nonsense."""

import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.outbound.responses import Headers
from jobs.outbound.retry_hints import MAX_SECONDS, rate_limit_seconds, retry_after_seconds, wait_seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("604801", MAX_SECONDS),
        ("9" * 400, MAX_SECONDS),
        ("9" * 2000, None),
        ("\u0661\u0662", None),
        ("Mon, 01 Jan 2001 00:00:00 GMT", 0.0),
        ("Mon, 01 Jan 9999 00:00:00 GMT", MAX_SECONDS),
        ("Mon, 01 Jan 99999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2001 00:00:00", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value) == seconds


def test_a_date_in_the_future_is_as_many_seconds_away() -> None:
    seconds = retry_after_seconds(formatdate(time.time() + 100, usegmt=True))
    assert seconds is not None
    assert 90 < seconds <= 100


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ('"default";r=0;t=30', 30.0),
        ('"default";r=50;t=30', None),
        ('"default";r=0', None),
        ('"burst";r=0;t=2, "daily";r=0;t=3600, "hourly";r=9;t=9000', 3600.0),
        ('"a,b;r=0;t=5;c";r=1;t=9', None),
        ('"a";pk=:c29tZQ==:; r=0 ;t=4', 4.0),
        ('"a";r=0;t=-4', None),
        ('"a";r=0;t=999999999', MAX_SECONDS),
        ("limit=100, remaining=0, reset=30", 30.0),
        ("limit=100, remaining=1, reset=30", None),
        ('"' * 999, None),
        ('"a";r=0;t=30' + " " * 1000, None),
        ("nonsense", None),
        ("", None),
        (None, None),
    ],
)
def test_a_quota_of_which_nothing_is_left(value: str | None, seconds: float | None) -> None:
    assert rate_limit_seconds(value) == seconds


def test_the_headers_of_older_drafts() -> None:
    assert wait_seconds(Headers([("RateLimit-Remaining", "0"), ("RateLimit-Reset", "12")])) == 12.0
    assert wait_seconds(Headers([("RateLimit-Remaining", "1"), ("RateLimit-Reset", "12")])) is None
    assert wait_seconds(Headers([("RateLimit-Remaining", "0")])) is None
    assert wait_seconds(Headers([("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "12.5")])) == 12.5


def test_a_reset_may_be_a_unix_time() -> None:
    wait = wait_seconds(Headers([("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", str(int(time.time()) + 100))]))
    assert wait is not None
    assert 90 < wait <= 100
    assert wait_seconds(Headers([("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "1000000001")])) == 0.0


def test_retry_after_goes_before_a_quota() -> None:
    assert wait_seconds(Headers([("RateLimit", '"a";r=0;t=30'), ("Retry-After", "5")])) == 5.0
    assert wait_seconds(Headers([("RateLimit", '"a";r=0;t=30'), ("Retry-After", "soon")])) == 30.0


@given(
    st.dictionaries(
        st.sampled_from(["Retry-After", "RateLimit", "RateLimit-Remaining", "RateLimit-Reset", "X-RateLimit-Reset"]),
        st.text(st.sampled_from('0123456789 ;,="rtMonJanGMT:-.eE+\u0661é'), max_size=60) | st.text(max_size=40),
    )
)
def test_nonsense_never_raises_and_is_bounded(headers: dict[str, str]) -> None:
    wait = wait_seconds(Headers(headers.items()))
    assert wait is None or 0 <= wait <= MAX_SECONDS
