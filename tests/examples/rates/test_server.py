"""The stand-in for a slow API: what it answers, what it limits, and what it counts."""

import asyncio
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection

import pytest
import requests

from config.stack.datafolder import BASE_DIR
from tests.support.remotes import Remote, running_remote
from tests.support.waiting import wait_until

RATES = "/rates?base=EUR&date=2026-11-01"


def get(remote: Remote, target: str = RATES) -> requests.Response:
    return requests.get(f"{remote.url}{target}", timeout=30)


def order(remote: Remote, body: object, **headers: str) -> requests.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(f"{remote.url}/orders", json=body, headers=sent, timeout=30)


def test_the_rates_of_a_day_are_the_same_each_time(remote: Remote) -> None:
    answer = get(remote)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json() == get(remote).json() == {
        "base": "EUR",
        "date": "2026-11-01",
        "rates": {"CHF": "1.02765", "GBP": "0.888060", "JPY": "167.351", "PLN": "4.41381", "USD": "1.11011"},
    }  # fmt: skip
    assert get(remote, "/rates?base=USD&date=2026-11-01").json()["rates"]["EUR"] == "0.900814"


@pytest.mark.parametrize(
    ("target", "status", "reason"),
    [
        ("/rates?base=XXX&date=2026-11-01", 400, "base must be one of CHF, EUR, GBP, JPY, PLN, USD."),
        ("/rates?base=EUR&date=2026-11-31", 400, "date must be a day, such as 2026-11-01."),
        ("/rates?base=EUR", 400, "date must be a day, such as 2026-11-01."),
        ("/elsewhere", 404, "There is no GET /elsewhere."),
    ],
)
def test_a_wrong_request_is_refused(remote: Remote, target: str, status: int, reason: str) -> None:
    answer = get(remote, target)
    assert (answer.status_code, answer.json()) == (status, {"error": reason})


def test_an_order_with_a_key_has_its_effect_once(remote: Remote) -> None:
    first, again = (order(remote, {"amount": "1"}, Idempotency_Key="one") for _ in range(2))
    assert (first.status_code, "Idempotency-Replayed" in first.headers) == (201, False)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert first.json() == again.json()
    other = order(remote, {"amount": "2"}, Idempotency_Key='"one"')
    assert (other.status_code, other.json()) == (422, {"error": "This Idempotency-Key belongs to another order."})
    assert order(remote, {"amount": "1"}).json()["number"] + 1 == order(remote, {"amount": "1"}).json()["number"]
    counts = remote.counts()
    assert (counts["keys"], counts["effects"]) == ({"one": 3}, {"one": 1, "": 2})
    assert (counts["paths"], counts["statuses"]) == ({"/orders": 5}, {"201": 4, "422": 1})


def test_requests_beyond_the_limit_of_those_in_flight_are_told_when_to_come_back(remote: Remote) -> None:
    remote.set_options(delaySeconds=0.5, maxInFlight=2)
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: get(remote), range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429, 429]
    assert {answer.headers.get("Retry-After") for answer in answers} == {None, "1"}
    assert {answer.text for answer in answers if not answer.ok} == {'{"error":"2 requests are in flight."}'}


def test_requests_beyond_the_limit_of_a_second_are_told_when_to_come_back(remote: Remote) -> None:
    remote.set_options(maxPerSecond=3)
    began = time.monotonic()
    statuses = [get(remote).status_code for _ in range(4)]
    assert time.monotonic() - began < 1, "the machine is too slow for this test"
    assert statuses == [200, 200, 200, 429]
    assert wait_until(lambda: get(remote).ok, timeout=5)
    assert remote.counts()["peakPerSecond"] >= 4


def test_options_that_are_not_possible_change_nothing(remote: Remote) -> None:
    for wrong in ({"delaySeconds": -1}, {"maxInFlight": 0}, {"maxPerSecond": "3"}, {"delaySeconds": None}, {"x": 1}):
        answer = requests.post(f"{remote.url}/options", json={"maxInFlight": 1, **wrong}, timeout=30)
        assert answer.status_code == 400, wrong
    remote.set_options(delaySeconds=0.3)
    with ThreadPoolExecutor(2) as pool:
        assert [answer.status_code for answer in pool.map(lambda _: get(remote), range(2))] == [200, 200]


def test_five_hundred_requests_of_a_second_are_in_flight_at_once(remote: Remote) -> None:
    remote.set_options(delaySeconds=1)
    began = time.monotonic()
    assert set(asyncio.run(many(remote.port, 500))) == {b"HTTP/1.1 200 OK\r\n"}
    took = time.monotonic() - began
    counts = remote.counts()
    assert (counts["requests"], counts["peakInFlight"], counts["inFlight"]) == (500, 500, 0)
    assert took < 8, took  # 1.5 seconds on an idle machine


async def many(port: int, number: int) -> list[bytes]:
    async def one() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {RATES} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        line = await reader.readline()
        writer.close()
        return line

    return await asyncio.gather(*(one() for _ in range(number)))


def test_a_connection_serves_one_request_after_the_other(remote: Remote) -> None:
    connection = HTTPConnection("127.0.0.1", remote.port, timeout=30)
    for _ in range(3):
        connection.request("GET", RATES)
        socket = connection.sock
        assert connection.getresponse().read().startswith(b'{"base":"EUR"')
        assert connection.sock is socket
    connection.close()
    assert remote.counts()["targets"] == {RATES: 3}


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"HELO mail.example.com\r\n\r\n", b"400 Bad Request"),
        (b"POST /orders HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411 Length Required"),
        (b"POST /orders HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n", b"413 Request Entity Too Large"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000, b"431 Request Header Fields Too Large"),
        (b"POST /orders HTTP/1.1\r\nContent-Length: 4\r\n\r\n[42]", b"400 Bad Request"),
    ],
)
def test_what_is_no_request_is_refused(remote: Remote, sent: bytes, status: bytes) -> None:
    async def exchange() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", remote.port)
        writer.write(sent)
        line = await reader.readline()
        writer.close()
        return line

    assert asyncio.run(exchange()) == b"HTTP/1.1 " + status + b"\r\n"


def test_it_is_refused_while_it_is_away_and_comes_back_at_its_address() -> None:
    with running_remote() as remote:
        assert get(remote).ok
        for end in (remote.stop, remote.kill):
            end()
            with pytest.raises(requests.ConnectionError, match="refused"):
                get(remote)
            remote.start()
            assert remote.counts()["requests"] == 0
            assert get(remote).ok
        with remote.frozen(), pytest.raises(requests.ReadTimeout):
            requests.get(f"{remote.url}{RATES}", timeout=0.3)


def test_it_ends_with_a_signal_in_the_middle_of_an_answer_and_says_nothing() -> None:
    command = [sys.executable, "-m", "examples.rates.server", "--port", "0", "--delay", "60"]
    with subprocess.Popen(command, cwd=BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        with ThreadPoolExecutor(1) as pool:
            left = pool.submit(requests.get, f"{url}{RATES}", timeout=60)
            wait_until(lambda: requests.get(f"{url}/counts", timeout=30).json()["inFlight"] == 1)
            server.send_signal(signal.SIGTERM)
            assert isinstance(left.exception(30), requests.ConnectionError)
        assert (server.wait(30), server.stdout.read()) == (0, "")


def test_it_ends_with_the_process_that_started_it() -> None:
    command = [sys.executable, "-m", "examples.rates.server", "--port", "0", "--follow-stdin"]
    with subprocess.Popen(command, cwd=BASE_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdout.readline()
        with suppress(BrokenPipeError):
            server.stdin.close()
        assert server.wait(30) == 0
