"""Faults at random points, from a seed: workers, Redis, PostgreSQL and Beat, under load."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import psutil
import redis
from django.db import InterfaceError, OperationalError, connections

from jobs.models import Attempt, Event, Job, Queue
from jobs.states import Outcome, State
from tests.faults.app.kinds import POLL_SECONDS
from tests.faults.conftest import Fault
from tests.outages import restart_postgres, restart_valkey
from tests.waiting import wait_until

WORKERS = ("csv-1", "csv-2", "csv-3")
#: Kinds of jobs, and how many of a hundred.
MIX = {"work": 30, "linger": 50, "stumble": 12, "refuse": 8}
#: How long a lingering job takes: some longer than a worker that stops waits. Seconds.
LINGER = (0.2, 3.0)
#: Jobs submitted between two faults, at most.
BURST = 12
#: How long a fault waits for a process that is at work. Seconds.
AIM_SECONDS = 3.0


class Chaos:
    """One run. The seed fixes which faults come in which order; the timing is the machine's."""

    def __init__(self, fault: Fault, *, seed: int, jobs: int) -> None:
        self.fault = fault
        self.stack = fault.stack
        self.random = random.Random(seed)
        self.jobs = jobs
        self.accepted: list[Job] = []
        self.faults: Counter[str] = Counter()
        self.stopped: list[int] = []
        self.hits = 0
        self.actions: dict[Callable[[], None], int] = {
            self.kill_pool_process: 5,
            self.kill_worker: 3,
            self.quit_worker: 3,
            self.terminate_worker: 2,
            self.stop_pool_process: 2,
            self.flush_redis: 1,
            self.restart_redis: 2,
            self.restart_database: 2,
            self.kill_beat: 1,
        }

    def run(self) -> None:
        """Submit and hurt in turns; then leave it alone until every job has ended."""
        Queue.objects.filter(name="reports").update(max_running=2 * len(WORKERS))
        self.supervise()
        while len(self.accepted) < self.jobs:
            for _ in range(self.random.randint(1, BURST)):
                self.submit()
            [action] = self.random.choices(list(self.actions), weights=list(self.actions.values()))
            action()
            self.faults[action.__name__] += 1
            self.supervise()
        self.wake_all()
        wait_until(self.all_ended, timeout=180, every=1, message="every job ends")

    def submit(self) -> None:
        """Submit a job; while PostgreSQL is away there is no 202, and no promise."""
        [name] = self.random.choices(list(MIX), weights=list(MIX.values()))
        try:
            self.accepted.append(self.fault.submit(name, seconds=self.random.uniform(*LINGER)))
        except (OperationalError, InterfaceError):
            connections.close_all()

    def supervise(self) -> None:
        """Start again what has ended, as any supervisor would."""
        for name in WORKERS:
            if not self.stack.is_running(name):
                self.stack.start("worker-csv", as_name=name, WORKER_CONCURRENCY="2", HAND_BACK_AFTER_SECONDS="1")
        for name in ("worker-io", "beat"):
            if not self.stack.is_running(name):
                self.stack.start(name)

    def all_ended(self) -> bool:
        self.supervise()
        ended = (State.SUCCEEDED, State.DEAD, State.CANCELLED)
        return not Job.objects.exclude(state__in=ended).exists()

    def kill_pool_process(self) -> None:
        self.send_to_pool(signal.SIGKILL)

    def stop_pool_process(self) -> None:
        """SIGSTOP; it wakes up at the end, or is killed before."""
        self.stopped += self.send_to_pool(signal.SIGSTOP)
        if len(self.stopped) > 2:
            self.wake_all()

    def wake_all(self) -> None:
        for pid in self.stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self.stopped.clear()

    def kill_worker(self) -> None:
        self.send_to_worker(signal.SIGKILL)

    def quit_worker(self) -> None:
        self.send_to_worker(signal.SIGQUIT)

    def terminate_worker(self) -> None:
        self.send_to_worker(signal.SIGTERM)

    def kill_beat(self) -> None:
        with suppress(psutil.NoSuchProcess):
            self.stack.kill("beat")

    def flush_redis(self) -> None:
        with redis.Redis.from_url(os.environ["REDIS_URL"]) as client, suppress(redis.RedisError):
            client.flushall()

    def restart_redis(self) -> None:
        restart_valkey()

    def restart_database(self) -> None:
        restart_postgres()

    def send_to_pool(self, number: signal.Signals) -> list[int]:
        """Hit a process that is at work; returns what was hit."""
        for _, pid in self.aim():
            with suppress(ProcessLookupError):
                os.kill(pid, number)
                self.hits += 1
                return [pid]
        return []

    def send_to_worker(self, number: signal.Signals) -> None:
        """Hit a worker that has a job in hand."""
        for name, _ in self.aim():
            with suppress(ProcessLookupError, psutil.NoSuchProcess, ValueError):
                os.kill(self.stack.pid(name), number)
                self.hits += 1

    def aim(self) -> list[tuple[str, int]]:
        """A pool process that writes a file, and its worker, at random; wait a little until there is one."""
        deadline = time.monotonic() + AIM_SECONDS
        while time.monotonic() < deadline:
            found = [(name, pid) for name in WORKERS for pid in self.fault.pids_that_write(".result", worker=name)]
            found = [(name, pid) for name, pid in found if pid not in self.stopped]
            if found:
                return [self.random.choice(found)]
            time.sleep(POLL_SECONDS)
        return []

    def summary(self, seconds: float) -> str:
        """The table that `make chaos` prints."""
        outcomes = Counter(Attempt.objects.values_list("outcome", flat=True))
        states = Counter(Job.objects.values_list("state", flat=True))
        completions = Counter(Event.objects.filter(name=Event.Name.COMPLETED).values_list("job_id", flat=True))
        rows = {
            "accepted": len(self.accepted),
            "completed": states[State.SUCCEEDED],
            "dead": states[State.DEAD],
            "retried": Event.objects.filter(name=Event.Name.RETRIED).count(),
            "attempts": sum(outcomes.values()),
            "lost attempts": outcomes[Outcome.LOST],
            "failed attempts": outcomes[Outcome.FAILED],
            "handed back": outcomes[Outcome.HANDED_BACK],
            "hits": self.hits,
            "works done": len(self.fault.works_done()),
            "duplicates": sum(count - 1 for count in completions.values()),
            "seconds": round(seconds),
        }
        lines = [f"{name:16} {value:>8}" for name, value in rows.items()]
        faults = [f"{name:24} {count:>4}" for name, count in sorted(self.faults.items())]
        return "\n".join([*lines, "", *faults])


def run_chaos(fault: Fault, *, seed: int, jobs: int) -> Chaos:
    """Run it, print its table and its seed, and look at what must hold besides the invariants."""
    chaos = Chaos(fault, seed=seed, jobs=jobs)
    started = time.monotonic()
    try:
        chaos.run()
    finally:
        chaos.wake_all()
        connections.close_all()
        sys.stdout.write(f"\nSEED={seed} JOBS={jobs}\n{chaos.summary(time.monotonic() - started)}\n\n")
    assert {job.pk for job in chaos.accepted} <= set(Job.objects.values_list("pk", flat=True)), "accepted means kept"
    assert not Job.objects.filter(kind="fault-refuse").exclude(state=State.DEAD).exists()
    assert not Job.objects.exclude(kind="fault-refuse").exclude(state=State.SUCCEEDED).exists()
    hurt = Attempt.objects.filter(outcome__in=(Outcome.LOST, Outcome.HANDED_BACK)).count()
    assert hurt >= chaos.hits // 3, f"{chaos.hits} processes were hit at work, and {hurt} attempts felt it"
    return chaos
