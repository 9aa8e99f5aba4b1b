"""The header field `Prefer` (RFC 7240)."""

import pytest
from rest_framework.request import Request
from rest_framework.test import APIClient, APIRequestFactory

from jobs.http.preferences import prefers, wait_seconds
from tests.support.ordering import ORDER, post

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "prefer",
    ["respond-async", "Respond-Async", "wait=10, respond-async", 'respond-async; x="a,b"', "foo,respond-async"],
)
def test_an_order_says_that_it_is_answered_asynchronously_as_preferred(prefer: str, api: APIClient) -> None:
    answer = post(api, ORDER, headers={"Prefer": prefer})
    assert (answer.status_code, answer["Preference-Applied"]) == (202, "respond-async")


@pytest.mark.parametrize(
    "prefer", ["", "return=minimal", "respond-async2", 'x="respond-async"', ",;=", '"', 'x="a, respond-async']
)
def test_another_preference_is_ignored(prefer: str, api: APIClient) -> None:
    answer = post(api, ORDER, headers={"Prefer": prefer})
    assert (answer.status_code, "Preference-Applied" in answer) == (202, False)


def test_it_is_told_of_what_is_asynchronous_only(api: APIClient) -> None:
    answer = api.get("/api/report-types", headers={"Prefer": "respond-async"})
    assert (answer.status_code, "Preference-Applied" in answer) == (200, False)


def sent(prefer: str) -> Request:
    return Request(APIRequestFactory().post("/", headers={"Prefer": prefer}))


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=10", 10),
        ("wait=0", 0),
        ("wait=0010", 10),
        ('wait="10"', 10),
        ('wait="1\\0"', 10),
        ("Wait = 10", 10),
        ("wait=10; foo=bar", 10),
        ("respond-async, wait=10", 10),
        ('return="a, wait=3", wait=10, handling=lenient', 10),
        ("wait=10, wait=3", 10),
        (f"wait={'9' * 3000}", 999_999_999),
    ],
)
def test_the_seconds_to_wait(prefer: str, seconds: int) -> None:
    assert wait_seconds(sent(prefer)) == seconds


@pytest.mark.parametrize(
    "prefer",
    [
        "", "wait", "wait=", 'wait=""', "wait=;x", "wait=soon", "wait=-1", "wait=+1", "wait=1.5", "wait=1e3",
        "wait=1 0", "wait==1", "wait=1=", "wait=\u00b2", "wait=x, wait=10", "foo; wait=10", 'foo="wait=10"', "waits=10",
        '"wait"=10', 'wait="10', "wait 10", ",;=,", "10",
    ],
)  # fmt: skip
def test_nonsense_is_no_time_to_wait(prefer: str) -> None:
    assert wait_seconds(sent(prefer)) is None


def test_preferences_are_told_apart() -> None:
    request = sent("respond-async, return=minimal; wait=3, wait=10; respond-sync")
    assert [prefers(request, name) for name in ("respond-async", "respond-sync")] == [True, False]
    assert wait_seconds(request) == 10
