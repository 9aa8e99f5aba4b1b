"""The company of hostile receivers is there while orders are measured, or that is wrong work."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from django.contrib.auth.models import User

from bench import callbacks
from bench.measuring import WrongWorkError
from bench.receivers import HOSTS
from jobs.models import Job
from jobs.states import State

pytestmark = pytest.mark.django_db


@pytest.fixture
def deliveries() -> Callable[..., None]:
    def make(count: int, state: State, type_: str = "hosts-00") -> None:
        Job.objects.bulk_create(
            Job(kind="callback", queue="callbacks", type=type_, payload={}, max_attempts=1, state=state)
            for _ in range(count)
        )

    return make


@pytest.mark.parametrize(("running", "wanted"), [(5, 6), (1, 0)])
def test_too_few_in_flight_or_any_where_none_should_be_is_wrong_work(
    running: int, wanted: int, deliveries: Callable[..., None]
) -> None:
    deliveries(running, State.RUNNING)
    with pytest.raises(WrongWorkError, match=f"{running} deliveries are in flight where {wanted} should be"):
        callbacks.require_deliveries(in_flight=wanted)


def test_as_many_as_should_be_are_right(deliveries: Callable[..., None]) -> None:
    callbacks.require_deliveries(in_flight=0)
    deliveries(callbacks.IN_FLIGHT, State.RUNNING)
    callbacks.require_deliveries(in_flight=callbacks.IN_FLIGHT)


def test_deliveries_that_are_not_taken_up_are_wrong_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "wait_for", lambda expected, count: count())
    with pytest.raises(WrongWorkError, match="0 deliveries were answered, 0 are in flight"):
        callbacks.submit_deliveries(User.objects.create_user("ada"), 1, each=2)
    assert Job.objects.count() == 2 * len(HOSTS)


def test_each_receiver_is_in_a_bucket_of_its_own_or_that_is_wrong_work(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = iter([1, 2, 3, *[2] * callbacks.MOST_PORTS])
    monkeypatch.setattr(callbacks, "free_port", lambda: next(ports))
    monkeypatch.setattr(callbacks, "bucket_of", lambda url: url if ":3/" in url else "hosts-00")
    assert callbacks.port_of_strangers() == 3
    with pytest.raises(WrongWorkError, match="on no port"):
        callbacks.port_of_strangers()


def test_a_delivery_that_does_not_end_is_wrong_work(
    deliveries: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "wait_for", lambda expected, count: count())
    deliveries(1, State.RUNNING)
    with pytest.raises(WrongWorkError, match="a delivery does not end when it is cancelled"):
        callbacks.end_deliveries(User(username="ada"))


def test_an_order_that_is_not_accepted_is_wrong_work() -> None:
    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        Thread(target=server.handle_request, daemon=True).start()
        with pytest.raises(WrongWorkError, match="an order was answered with 503"):
            callbacks.milliseconds(server.server_address[1], "token", orders=1)
