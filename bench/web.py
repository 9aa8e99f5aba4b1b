"""Web servers as `make up` starts them, ours and the peer's, and how their answers are measured in turns."""

from __future__ import annotations

import os
import socket
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import psutil
from django.contrib.auth.models import User

from bench.latency import percentile
from bench.load import Ask, Load, send_all
from bench.measuring import Measured, WrongWorkError, rotated, settle
from bench.sender import sender
from bench.waiting import START_SECONDS, wait_until
from bench.worker import running
from config.stack.datafolder import DataFolder
from config.stack.probing import HOST, free_port
from config.stack.services import all_services
from config.stack.stopping import say
from jobs.kinds import ALL_SCOPES
from jobs.models.token import ApiToken

#: Clients of one measured run, each with one connection.
CLIENTS: Final = 8
#: Accounts in whose names they ask, in turns, each with a token: one alone would ask more often than it may.
ACCOUNTS: Final = 100

#: How the peer's server is started, and its processes.
PEER: Final = {"DJANGO_SETTINGS_MODULE": "bench.minimal.settings"}
#: Ours logs what it logs in production: a line or two for each request.
OURS: Final = {"LOG_LEVEL": "INFO"}


@dataclass(frozen=True)
class WebServer:
    """Where it listens, and its worker processes."""

    port: int
    processes: Sequence[psutil.Process]


@dataclass(frozen=True)
class Side:
    """One of those that are measured."""

    server: WebServer
    prepare: Callable[[int], Sequence[Ask]]  #: so many requests, and tables as they are to be; off the clock
    check: Callable[[int], None]  #: what so many requests left there; off the clock. Raises WrongWorkError.


@dataclass(frozen=True)
class Account:
    """Who asks, and what each server takes for it in the header Authorization."""

    pk: int
    ours: str
    peers: str


@dataclass(frozen=True)
class Web:
    """Both servers, over the same accounts."""

    ours: WebServer
    peer: WebServer
    fill_peer: Callable[[int], Mapping[str, int]]  #: its table: so many rows, the accounts' in turns, with ids from 1
    accounts: Sequence[Account]


@contextmanager
def both(folder: DataFolder) -> Iterator[Web]:
    """Start both; whoever is not asked takes nothing from the other."""
    known = create_accounts()
    with (
        sender("bench.minimal", {**os.environ, **PEER}) as fill_peer,
        web_server(folder, "config.wsgi", OURS) as ours,
        web_server(folder, "bench.minimal.wsgi", PEER) as peer,
    ):
        yield Web(ours, peer, fill_peer, known)


def create_accounts() -> list[Account]:
    """Accounts without a password, each with a token for a day.

    The peer makes its own tokens, of the length that they would have, which nobody has to be told.
    """
    User.objects.bulk_create((User(username=f"web-{number}") for number in range(ACCOUNTS)), ignore_conflicts=True)
    users = User.objects.filter(username__startswith="web-").order_by("pk")
    day = timedelta(days=1)
    return [
        Account(
            user.pk,
            f"Bearer {ApiToken.objects.create(user, expiry=day, scopes=[ALL_SCOPES])[1]}",
            f"Token {user.pk:040}",
        )
        for user in users
    ]


@contextmanager
def web_server(folder: DataFolder, application: str, environment: Mapping[str, str]) -> Iterator[WebServer]:
    """A gunicorn with the processes and threads of our own, over another application if need be.

    Raises WrongWorkError if it does not start.
    """
    port = free_port()
    [service] = [known for known in all_services(port=port) if known.name == "web"]
    if application != "config.wsgi":
        command = [application if word == "config.wsgi" else word for word in service.command]
        hooks = command.index("--config")  # ours: they count requests for /metrics
        service = replace(service, name=application, command=command[:hooks] + command[hooks + 2 :])
    # A connection is idle while the others take their turns: on a busy machine longer than gunicorn's two seconds.
    service = replace(service, command=[*service.command, "--keep-alive", "60"])
    workers = int(service.command[service.command.index("--workers") + 1])
    with running(folder, service, {**os.environ, **environment}) as pid:
        master = psutil.Process(pid).parent()

        def processes() -> list[psutil.Process]:
            return master.children() if master else []

        wait_until(lambda: len(processes()) == workers, otherwise=f"{application} does not have {workers} processes")
        yield WebServer(port, processes())


@contextmanager
def connections(server: WebServer, *, clients: int = CLIENTS) -> Iterator[list[socket.socket]]:
    """So many connections, as many to each worker process; closed at the end.

    Whichever process wakes first takes a connection (https://github.com/benoitc/gunicorn/issues/2817), so by chance
    one could have nearly all of them. Raises WrongWorkError when they are not taken.
    """
    share = {process.pid: clients // len(server.processes) for process in server.processes}
    with ExitStack() as stack:
        taken: list[socket.socket] = []
        deadline = time.monotonic() + START_SECONDS
        while any(share.values()):
            if time.monotonic() > deadline:
                raise WrongWorkError(f"of {clients} connections {sum(share.values())} were not taken as they should be")
            with suppress(ConnectionRefusedError):
                connection = stack.enter_context(closing(socket.create_connection((HOST, server.port))))
                pid = taker(connection, server, deadline=deadline)
                if share.get(pid):
                    share[pid] -= 1
                    taken.append(connection)
                else:
                    connection.close()
        yield taken


def taker(connection: socket.socket, server: WebServer, *, deadline: float) -> int:
    """The id of the process that has accepted it; 0 if none does until `deadline`. Raises WrongWorkError."""
    _, port = connection.getsockname()
    while time.monotonic() < deadline:
        for process in server.processes:
            try:
                known = process.net_connections("tcp4")
            except psutil.NoSuchProcess:
                raise WrongWorkError("a process of a web server has ended") from None
            if any(other.raddr and other.raddr.port == port for other in known):
                return int(process.pid)
        time.sleep(0.01)
    return 0


def serve_in_turns(sides: Mapping[str, Side], *, requests: int, batch: int, repeat: int) -> dict[str, Measured]:
    """Requests per second of each side; p50 and p99 stand with its name. Raises WrongWorkError for any other answer.

    A run is made of batches, each of which begins with tables anew. All sides serve one in turns, and each turn begins
    with another side: what else the machine does for some seconds hits all alike. The first run warms up.
    """
    loads: dict[str, list[Load]] = {name: [] for name in sides}
    for run in range(repeat + 1):
        served: dict[str, list[Load]] = {name: [] for name in sides}
        for turn, count in enumerate(batches(requests, of=batch), start=run):
            for name in rotated(list(sides), turn):
                served[name].append(serve(sides[name], count))
        settle()
        for name, parts in served.items():
            load = Load.joined(parts)
            say(
                f"  {name}: {load.per_second:,.0f} requests/s, p50 {percentile(load.latencies, 50):.1f} ms, p99 "
                f"{percentile(load.latencies, 99):.1f} ms; sending took {load.own_share:.0%} of a core"
                + ("" if run else " (warm-up)")
            )
            if run:
                loads[name].append(load)
    return {name: measured(name, runs) for name, runs in loads.items()}


def batches(requests: int, *, of: int) -> list[int]:
    """As many of that size as there are, and the rest."""
    return [min(of, requests - first) for first in range(0, requests, of)]


def serve(side: Side, requests: int) -> Load:
    """One batch."""
    asks = side.prepare(requests)
    with connections(side.server) as clients:
        load = send_all(asks, clients)
    side.check(requests)
    return load


def measured(name: str, runs: Sequence[Load]) -> Measured:
    """The figures of one side, by its repeated runs."""
    middle, high = (statistics.median(percentile(run.latencies, at) for run in runs) for at in (50, 99))
    return Measured(f"{name}, p50 {middle:.1f} ms, p99 {high:.1f} ms", [run.per_second for run in runs], "requests/s")
