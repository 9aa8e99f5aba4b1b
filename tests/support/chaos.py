"""Faults at random points, from a seed: workers, Redis, PostgreSQL and Beat, under load."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import redis
from django.db import InterfaceError, OperationalError, connections

from config.stack.datafolder import BASE_DIR
from jobs.files.orphan_files import FOLDERS, remove_orphans_in
from jobs.models import Attempt, Event, Job, Queue
from jobs.states import Outcome, State
from tests.support.fault import Fault, open_files
from tests.support.invariants import assert_invariants
from tests.support.movements import make_item, moved, order_movement
from tests.support.outages import restart_postgres, restart_valkey
from tests.support.waiting import wait_until

WORKERS = ("csv-1", "csv-2", "csv-3")
#: Kinds of jobs, and how many of a hundred.
MIX = {"work": 25, "linger": 45, "stumble": 12, "refuse": 8, "upload": 10}
#: How long a lingering job takes: some longer than a worker that stops waits. Seconds.
LINGER = (0.2, 4.0)
#: Jobs submitted between two faults.
BURST = (4, 12)
#: How long it may take until a process is at work, whatever happened before; and until all jobs have ended. At least so
#: many seconds, and at least so many times what the workers took to start: a slow machine is slow at all of it.
AIM_SECONDS, AIM_STARTS = 30.0, 6
END_SECONDS, END_STARTS = 180.0, 36
#: Where the logs of a run that failed are kept.
KEPT_LOGS = BASE_DIR / "test-results"


class Target(NamedTuple):
    """A process of a pool that is at work on an attempt, and its worker."""

    worker_pid: int
    pid: int
    #: The job's id and the fencing token, as in the name of the file.
    attempt: str


class Chaos:
    """One run. The seed fixes which faults come in which order; the timing is the machine's."""

    def __init__(self, fault: Fault, *, seed: int, jobs: int) -> None:
        self.fault = fault
        self.stack = fault.stack
        self.seed = seed
        self.random = random.Random(seed)
        self.jobs = jobs
        self.accepted: list[Job] = []
        self.faults: Counter[str] = Counter()
        self.stopped: list[int] = []
        self.killed: set[str] = set()
        self.asked_to_end: set[str] = set()
        self.start_seconds = 0.0
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
        make_item(self.fault.owner)
        self.start_workers()
        deck: list[Callable[[], None]] = []
        while len(self.accepted) < self.jobs:
            burst = self.random.randint(*BURST)
            for name in self.random.choices(list(MIX), weights=list(MIX.values()), k=burst):
                self.submit(name)
            deck = deck or self.shuffled()
            action = deck.pop()
            action()
            self.faults[action.__name__] += 1
            self.supervise()
        self.wake_all()
        timeout = max(END_SECONDS, END_STARTS * self.start_seconds)
        wait_until(self.all_ended, timeout=timeout, every=1, message="every job ends")

    def start_workers(self) -> None:
        """Start all services, and see how long this machine takes for it."""
        ready = {name: self.stack.log(name).count("ready.") for name in WORKERS}
        began = time.monotonic()
        self.supervise()

        def all_ready() -> bool:
            return all(self.stack.log(name).count("ready.") > count for name, count in ready.items())

        wait_until(all_ready, timeout=300, every=0.2, message="the workers start")
        self.start_seconds = time.monotonic() - began

    def shuffled(self) -> list[Callable[[], None]]:
        """Every fault, as often as its weight says: a long run leaves none out."""
        counts = list(self.actions.values())
        return self.random.sample(list(self.actions), counts=counts, k=sum(counts))

    def submit(self, name: str) -> None:
        """Submit a job; while PostgreSQL is away there is no 202, and no promise."""
        try:
            if name == "upload":
                self.accepted.append(order_movement(self.fault.owner, len(self.accepted) + 1))
            else:
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
        return not self.is_work_left()

    def is_work_left(self) -> bool:
        try:
            return Job.objects.exclude(state__in=(State.SUCCEEDED, State.DEAD, State.CANCELLED)).exists()
        except (OperationalError, InterfaceError):
            connections.close_all()
            return True

    def kill_pool_process(self) -> None:
        self.killed.add(self.hurt(signal.SIGKILL).attempt)

    def kill_worker(self) -> None:
        self.killed.add(self.hurt(signal.SIGKILL, worker=True).attempt)

    def quit_worker(self) -> None:
        self.asked_to_end.add(self.hurt(signal.SIGQUIT, worker=True).attempt)

    def terminate_worker(self) -> None:
        self.asked_to_end.add(self.hurt(signal.SIGTERM, worker=True).attempt)

    def stop_pool_process(self) -> None:
        """SIGSTOP; it wakes up at the end, or is killed before."""
        self.stopped.append(self.hurt(signal.SIGSTOP).pid)
        if len(self.stopped) > 2:
            self.wake_all()

    def wake_all(self) -> None:
        for pid in self.stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self.stopped.clear()

    def kill_beat(self) -> None:
        with suppress(ProcessLookupError):
            self.stack.kill("beat")

    def flush_redis(self) -> None:
        with redis.Redis.from_url(os.environ["REDIS_URL"]) as client, suppress(redis.RedisError):
            client.flushall()

    def restart_redis(self) -> None:
        restart_valkey()

    def restart_database(self) -> None:
        restart_postgres()

    def hurt(self, number: signal.Signals, *, worker: bool = False) -> Target:
        """Send the signal to a process that is at work, or to its worker."""
        target = self.aim()
        with suppress(ProcessLookupError):
            os.kill(target.worker_pid if worker else target.pid, number)
        return target

    def aim(self) -> Target:
        """One process that is at work, at random. There is work: should nobody do it for so long, the run has failed.

        It held the same file a moment before: it lingers, so that the fault comes in the middle of its attempt. On a
        busy machine, a job may end between two looks: then the next one is submitted.
        """
        self.submit("linger")
        before: set[Target] = set()

        def still_at_work() -> list[Target]:
            nonlocal before
            self.supervise()
            now = set(self.targets())
            both, before = sorted(before & now), now
            if not (now or self.is_work_left()):
                self.submit("linger")
            return both

        timeout = max(AIM_SECONDS, AIM_STARTS * self.start_seconds)
        return self.random.choice(wait_until(still_at_work, timeout=timeout, message="a process is at work"))

    def targets(self) -> Iterator[Target]:
        for name in WORKERS:
            with suppress(ProcessLookupError):
                for pid in set(self.stack.pool_pids(name)) - set(self.stopped):
                    for file in open_files(pid):
                        if ".result" in file:
                            yield Target(self.stack.pid(name), pid, Path(file).stem)

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
            "killed at work": len(self.killed),
            "asked to end": len(self.asked_to_end),
            "works done": len(self.fault.works_done()),
            "duplicates": sum(count - 1 for count in completions.values()),
            "seconds": round(seconds),
            "to start": round(self.start_seconds),
        }
        lines = [f"{name:16} {value:>8}" for name, value in rows.items()]
        faults = [f"{name:24} {count:>4}" for name, count in sorted(self.faults.items())]
        return "\n".join([*lines, "", *faults])


@contextmanager
def logs_kept(logs: Path, into: Path) -> Iterator[None]:
    """Copy the services' logs where they outlive the run, if the block fails; and say where."""
    try:
        yield
    except BaseException as error:
        shutil.copytree(logs, into, dirs_exist_ok=True)
        error.add_note(f"The logs of the services are kept in {into}")
        raise


def run_chaos(fault: Fault, *, seed: int, jobs: int) -> Chaos:
    """Run it, print its table and its seed, and look at what must hold besides the invariants."""
    with logs_kept(fault.stack.folder.logs, KEPT_LOGS / f"chaos-{seed}"):
        return run_and_judge(Chaos(fault, seed=seed, jobs=jobs))


def run_and_judge(chaos: Chaos) -> Chaos:
    """The run, its table, and what must hold after it."""
    started = time.monotonic()
    try:
        chaos.run()
    finally:
        chaos.wake_all()
        connections.close_all()
        sys.stdout.write(f"\nSEED={chaos.seed} JOBS={chaos.jobs}\n{chaos.summary(time.monotonic() - started)}\n\n")
    assert {job.pk for job in chaos.accepted} <= set(Job.objects.values_list("pk", flat=True)), "accepted means kept"
    assert not Job.objects.filter(kind="fault-refuse").exclude(state=State.DEAD).exists()
    assert not Job.objects.exclude(kind="fault-refuse").exclude(state=State.SUCCEEDED).exists()
    uploads = Job.objects.filter(kind="upload").count()
    assert len(moved()) == len(set(moved())) == uploads, "each row of an upload is there once"
    lost = {f"{attempt.job_id}.{attempt.fencing_token}" for attempt in Attempt.objects.filter(outcome=Outcome.LOST)}
    if len(chaos.killed) >= 5:  # one may just have finished, or handed back
        assert len(chaos.killed & lost) * 2 >= len(chaos.killed), f"of {chaos.killed} only {lost} were lost"
    for folder in FOLDERS:
        remove_orphans_in(folder)
    assert_invariants(chaos.fault.files)
    return chaos
