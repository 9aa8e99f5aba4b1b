"""Wrong answers of the stand-in, as a client sees them; and what of their effects."""

import time
from typing import Any

import pytest
import requests

from tests.support.remotes import Remote
from tests.support.waiting import wait_until

RATES = "/rates?base=EUR&date=2026-11-01"
BODY = (
    '{"base":"EUR","date":"2026-11-01","rates":{"CHF":"1.02765","GBP":"0.888060","JPY":"167.351","PLN":"4.41381",'
    '"USD":"1.11011"}}'
)


def get(remote: Remote, *, timeout: float = 30.0) -> requests.Response:
    return requests.get(f"{remote.url}{RATES}", timeout=timeout, allow_redirects=False)


def order(remote: Remote, *, key: str) -> requests.Response:
    """The remote remembers keys for as long as it lives: each test has its own."""
    return requests.post(f"{remote.url}/orders", json={"amount": "1"}, headers={"Idempotency-Key": key}, timeout=30)


def test_a_status_comes_as_often_as_it_was_ordered_with_what_was_ordered(remote: Remote) -> None:
    remote.behave({"do": "status", "times": 2, "retryAfter": 7}, {"do": "status", "status": 299, "body": "{}"})
    first, _, third = (get(remote) for _ in range(3))
    assert (first.status_code, first.reason, first.headers["Retry-After"]) == (503, "Service Unavailable", "7")
    assert first.json() == {"error": "This was ordered."}
    assert (third.status_code, third.reason, third.json()) == (299, "Unknown", {})
    assert "Retry-After" not in third.headers
    assert get(remote).status_code == 200
    assert remote.counts()["statuses"] == {"503": 2, "299": 1, "200": 1}


def test_headers_are_sent_as_they_were_ordered(remote: Remote) -> None:
    remote.behave({"do": "status", "status": 429, "headers": {"RateLimit": '"day";r=0;t=5'}})
    assert get(remote).headers["RateLimit"] == '"day";r=0;t=5'


def test_a_misbehaviour_waits_for_its_path(remote: Remote) -> None:
    remote.behave({"do": "status", "path": "/orders"}, {"do": "status", "status": 500})
    assert [get(remote).status_code, get(remote).status_code] == [500, 200]
    assert [order(remote, key="path").status_code for _ in range(2)] == [503, 201]


def test_what_is_still_to_come_can_be_called_off(remote: Remote) -> None:
    remote.behave({"do": "status", "times": 9})
    assert get(remote).status_code == 503
    remote.behave_well()
    assert get(remote).status_code == 200


@pytest.mark.parametrize(
    ("do", "cause"),
    [("close", "Remote end closed connection"), ("reset", "Connection reset by peer"), ("not-http", "BadStatusLine")],
)
@pytest.mark.parametrize("after_effect", [False, True])
def test_a_connection_that_breaks_may_have_had_an_effect(
    remote: Remote, do: str, cause: str, after_effect: bool
) -> None:
    key = f"{do} {after_effect}"
    remote.behave({"do": do, "afterEffect": after_effect})
    with pytest.raises(requests.ConnectionError, match=cause):
        order(remote, key=key)
    assert remote.counts()["effects"] == ({key: 1} if after_effect else {})
    again = order(remote, key=key)
    assert (again.status_code, "Idempotency-Replayed" in again.headers) == (201, after_effect)
    assert remote.counts()["effects"] == {key: 1}


def test_a_hanging_answer_is_in_flight_until_the_client_leaves(remote: Remote) -> None:
    remote.behave({"do": "hang"})
    with pytest.raises(requests.ReadTimeout):
        get(remote, timeout=0.3)
    wait_until(lambda: remote.counts()["inFlight"] == 0, message="the request ends")
    assert (remote.counts()["requests"], remote.counts()["statuses"]) == (1, {})


def test_an_answer_may_be_no_json(remote: Remote) -> None:
    remote.behave({"do": "not-json"})
    answer = get(remote)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.text == "<html><title>Sign in</title></html>"


def test_a_redirect_leads_where_it_was_ordered_to(remote: Remote) -> None:
    remote.behave({"do": "redirect", "location": "http://169.254.169.254/"})
    answer = get(remote)
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://169.254.169.254/")


def test_one_answer_may_take_longer_than_the_others(remote: Remote) -> None:
    remote.behave({"do": "delay", "seconds": 0.4})
    began = time.monotonic()
    assert get(remote).text == BODY
    assert time.monotonic() - began >= 0.4
    assert remote.counts()["statuses"] == {"200": 1}


def test_an_answer_may_drip_and_is_whole_at_last(remote: Remote) -> None:
    remote.behave({"do": "drip", "seconds": 0.001, "bytes": 140})
    began = time.monotonic()
    answer = get(remote)
    assert (answer.text, answer.json()["base"]) == (BODY.rjust(140), "EUR")
    assert time.monotonic() - began >= 0.14


def test_an_answer_may_be_big(remote: Remote) -> None:
    remote.behave({"do": "big", "bytes": 3_000_000})
    answer = get(remote)
    assert (len(answer.content), answer.json()["base"]) == (3_000_000, "EUR")


def test_an_answer_may_end_too_early_though_the_order_was_placed(remote: Remote) -> None:
    remote.behave({"do": "truncate"})
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        order(remote, key="early")
    assert remote.counts()["effects"] == {"early": 1}
    assert order(remote, key="early").headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("wrong", [{"do": "dance"}, {}, {"do": "hang", "tomes": 2}, 42])
def test_a_misbehaviour_that_does_not_exist_is_refused(remote: Remote, wrong: Any) -> None:
    answer = requests.post(f"{remote.url}/behaviour", json={"next": [{"do": "hang"}, wrong]}, timeout=30)
    assert answer.status_code == 400
    assert get(remote).status_code == 200
    assert requests.post(f"{remote.url}/behaviour", json={"then": []}, timeout=30).status_code == 400
