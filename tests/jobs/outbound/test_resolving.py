"""Lookups of names: shared while they run, used again for a second, and never in anybody's way."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from jobs.outbound import resolving
from jobs.outbound.cutoff import Cutoff
from jobs.outbound.resolving import MAX_NAMES, Resolver, resolve
from tests.support.threads import Threads
from tests.support.waiting import wait_until


@dataclass
class NameServer:
    """Answers each name with one address, those that begin with `slow` only when it is opened."""

    asked: list[str] = field(default_factory=list)
    opened: threading.Event = field(default_factory=threading.Event)

    def getaddrinfo(self, name: str, port: int | None, **options: Any) -> Any:
        self.asked.append(name)
        if name.startswith("slow"):
            self.opened.wait(60)
        if name.startswith("unknown"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{len(self.asked)}", 0))]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    server = NameServer()
    monkeypatch.setattr("socket.getaddrinfo", server.getaddrinfo)
    yield server
    server.opened.set()


def address_of(name: str, *, seconds: float = 20.0) -> str:
    [(_, _, _, _, address)] = resolve(name, cutoff=Cutoff(60), until=time.monotonic() + seconds)
    return str(address[0])


def test_a_result_is_used_again_for_a_moment(names: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [address_of("a.example"), address_of("a.example"), address_of("b.example")] == [
        "192.0.2.1", "192.0.2.1", "192.0.2.2"
    ]  # fmt: skip
    monkeypatch.setattr(resolving, "FRESH_SECONDS", 0.0)
    assert address_of("a.example") == "192.0.2.3"


def test_all_who_ask_at_once_share_a_lookup(names: NameServer) -> None:
    with Threads(20) as threads:
        waiting = [threads.submit(address_of, "slow.example") for _ in range(20)]
        wait_until(lambda: names.asked)
        names.opened.set()
        assert {each.result(20) for each in waiting} == {"192.0.2.1"}
    assert names.asked == ["slow.example"]


def test_a_name_that_hangs_keeps_one_thread_and_delays_no_other_name(names: NameServer) -> None:
    for _ in range(50):
        with pytest.raises(TimeoutError):
            address_of("slow.example", seconds=0.001)
    assert names.asked == ["slow.example"]
    assert address_of("quick.example") == "192.0.2.2"


def test_a_lookup_that_hangs_for_long_is_not_joined(names: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name server may have recovered."""
    with pytest.raises(TimeoutError):
        address_of("slow.example", seconds=0.01)
    monkeypatch.setattr(resolving, "JOIN_SECONDS", 0.0)
    names.opened.set()
    assert address_of("slow.example") == "192.0.2.2"


def test_a_failure_is_not_remembered(names: NameServer) -> None:
    for _ in range(2):
        with pytest.raises(socket.gaierror):
            address_of("unknown.example")
    assert names.asked == ["unknown.example"] * 2


def test_whoever_waits_is_woken_when_the_exchange_ends(names: NameServer) -> None:
    cutoff = Cutoff(60)
    with Threads(1) as threads:
        waiting = threads.submit(resolve, "slow.example", cutoff=cutoff, until=cutoff.deadline)
        wait_until(lambda: cutoff.is_guarding)
        cutoff.end(aborted=True)
        with pytest.raises(TimeoutError):
            waiting.result(20)


def test_old_results_are_not_kept(names: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "FRESH_SECONDS", 0.0)
    resolver = Resolver()
    for number in range(2 * MAX_NAMES):
        resolver.look_up(f"{number}.example").result(20)
    assert len(resolver._lookups) <= MAX_NAMES


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_does_not_wait_for_a_lookup_of_its_parent(names: NameServer) -> None:
    with pytest.raises(TimeoutError):
        address_of("slow.example", seconds=0.01)
    if (child := os.fork()) == 0:
        names.opened.set()
        os._exit(0 if address_of("slow.example", seconds=4) else 1)
    assert os.waitpid(child, 0)[1] == 0
