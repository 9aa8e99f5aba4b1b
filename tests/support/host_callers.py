"""Processes whose threads call a host when it is their turn, as workers do.

    python -m tests.support.host_callers '{"key": …, "jobs": [[id, fencing token], …], "seconds": 5, …}'

Each thread has a job of its own. A postponed job comes back after its delay. The output is what happened, as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from uuid import UUID

import django

from config.stack.datafolder import BASE_DIR

if TYPE_CHECKING:
    from jobs.context import JobContext


def start_callers(database_url: str, **how: Any) -> subprocess.Popen[str]:
    """Start a process. `how` is `key`, `jobs`, `seconds`, `in_flight` and `per_second`."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.host_callers", json.dumps(how)],
        cwd=BASE_DIR,
        env={**os.environ, "DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "config.settings"},
        stdout=subprocess.PIPE,
        text=True,
    )


class Callers:
    """The threads of one process."""

    def __init__(self, how: dict[str, Any]) -> None:
        from calls.types import Host

        self.key: str = how["key"]
        self.declared = Host(how["in_flight"], how["per_second"])
        self.until = time.monotonic() + how["seconds"]
        #: Seconds that requests waited for their turns; when they began; seconds of postponements; errors.
        self.waits: list[float] = []
        self.starts: list[float] = []
        self.delays: list[float] = []
        self.errors: list[str] = []

    def go_on(self, job: str, fencing_token: int) -> None:
        """Call the host again and again."""
        from django.db import connections

        from jobs.context import JobContext
        from jobs.errors import PostponedError
        from jobs.models import Attempt, Job

        attempt = Attempt(job=Job(pk=UUID(job)), number=1, fencing_token=fencing_token)
        context = JobContext(attempt, lease_seconds=3600)
        while time.monotonic() < self.until:
            try:
                self.call(context)
            except PostponedError as error:
                self.delays.append(error.delay.total_seconds() if error.delay else 0.0)
                time.sleep(max(0.0, min(self.delays[-1], self.until - time.monotonic())))
            except Exception as error:
                self.errors.append(repr(error))
        connections.close_all()

    def call(self, context: JobContext) -> None:
        """One request. An answer 429 closes the host."""
        from calls.hosts.closing import close_host
        from calls.hosts.turns import taking_turn

        with taking_turn(context, self.key, self.declared) as turn:
            self.waits.append(turn.waited_seconds)
            self.starts.append(time.monotonic())
            try:
                with urllib.request.urlopen(f"http://{self.key}/", timeout=30):
                    turn.succeed()
            except urllib.error.HTTPError as error:
                turn.succeed()
                close_host(self.key, seconds=float(error.headers["Retry-After"]), reason=str(error.code))


def main() -> None:
    """Call until the time is over, and write what happened."""
    django.setup()
    from calls.hosts.gatekeeper import gatekeeper

    how = json.loads(sys.argv[1])
    callers = Callers(how)
    threads = [threading.Thread(target=callers.go_on, args=each) for each in how["jobs"]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gatekeeper().stop()
    names = ("waits", "starts", "delays", "errors")
    sys.stdout.write(json.dumps({name: getattr(callers, name) for name in names}))


if __name__ == "__main__":
    main()
