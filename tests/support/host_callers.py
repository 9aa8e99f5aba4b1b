"""Processes whose threads call a host when it is their turn, as workers do.

    python -m tests.support.host_callers '{"key": …, "jobs": [[id, fencing token], …], "seconds": 5, …}'

Each thread has a job of its own. A postponed job comes back after its delay. Prints what happened as JSON.
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
from typing import Any
from uuid import UUID

from config.stack.datafolder import BASE_DIR


def start_callers(database_url: str, **how: Any) -> subprocess.Popen[str]:
    """Start a process. `how` is `key`, `jobs`, `seconds`, `in_flight`, `per_second`, and whether calls go `on`."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.host_callers", json.dumps(how)],
        cwd=BASE_DIR,
        env={**os.environ, "DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "config.settings"},
        stdout=subprocess.PIPE,
        text=True,
    )


def main() -> None:
    import django

    django.setup()

    from django.db import connections

    from calls.hosts.closing import close_host
    from calls.hosts.gatekeeper import gatekeeper
    from calls.hosts.turns import taking_turn
    from calls.types import Host
    from jobs.context import JobContext
    from jobs.errors import PostponedError
    from jobs.models import Attempt, Job

    how = json.loads(sys.argv[1])
    declared = Host(how["in_flight"], how["per_second"])
    until = time.monotonic() + how["seconds"]
    waits: list[float] = []
    delays: list[float] = []
    starts: list[float] = []
    errors: list[str] = []

    def call(context: JobContext) -> None:
        with taking_turn(context, how["key"], declared) as turn:
            waits.append(turn.waited_seconds)
            starts.append(time.monotonic())
            try:
                with urllib.request.urlopen(f"http://{how['key']}/", timeout=10):
                    turn.succeed()
            except urllib.error.HTTPError as error:
                if error.code == 429:
                    turn.succeed()
                    close_host(how["key"], seconds=float(error.headers["Retry-After"]), reason="429")
                else:
                    turn.fail(str(error.code))

    def go_on(job: str, token: int) -> None:
        attempt = Attempt(job=Job(pk=UUID(job)), number=1, fencing_token=token)
        context = JobContext(attempt, lease_seconds=3600)
        while time.monotonic() < until:
            try:
                call(context)
                if not how.get("on", True):
                    break
            except PostponedError as error:
                assert error.delay is not None
                delays.append(error.delay.total_seconds())
                time.sleep(max(0.0, min(delays[-1], until - time.monotonic())))
            except Exception as error:
                errors.append(repr(error))
        connections.close_all()

    threads = [threading.Thread(target=go_on, args=each) for each in how["jobs"]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gatekeeper().stop()
    print(json.dumps({"waits": waits, "delays": delays, "errors": errors, "starts": starts}))


if __name__ == "__main__":
    main()
