"""`make up` as a test runs it, and what must hold while its Redis answers with errors."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

import psutil
import redis
import requests

from config.stack.datafolder import BASE_DIR
from config.stack.probing import answers, free_port
from tests.support.processes import clean_environment, processes_of
from tests.support.stack import METRICS_TOKEN, START_SECONDS
from tests.support.waiting import wait_until

#: How long Redis is wrong: each service retries several times meanwhile. Seconds.
FAULT_SECONDS: Final = 25.0
#: One order in this time. Seconds.
ORDER_EVERY_SECONDS: Final = 8.0


class Up:
    """A running `make up` with servers of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data.parent / "up.log"
        environment = {
            "EXTRA_APPS": "tests.support.apps.team",
            "METRICS_TOKEN": METRICS_TOKEN,
            "PORT": str(self.port),
            "REPUBLISH_AFTER_SECONDS": "5",
            "QUEUES": "team-a",
            "SALES_LINES": "100",
            "WORKER_CONCURRENCY": "1",
            "WORKER_PRESENCE_SECONDS": "2",
        }
        with self.log.open("wb") as log:
            self.launcher = subprocess.Popen(
                [sys.executable, "-m", "config.stack.launcher"],
                cwd=BASE_DIR,
                env=clean_environment(data, **environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self.web_answers, timeout=START_SECONDS, message="the stack answers")
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {self.token()}"

    def web_answers(self) -> bool:
        """Fails the test when the stack has ended."""
        self.assert_runs()
        return answers(f"{self.url}/livez")

    def assert_runs(self) -> None:
        assert self.launcher.poll() is None, f"make up has ended: {self.output()[-3000:]}"

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def token(self) -> str:
        made = subprocess.run(
            [sys.executable, "manage.py", "create_token", "demo"],
            cwd=BASE_DIR, env=clean_environment(self.data), capture_output=True, text=True, check=True,
        )  # fmt: skip
        return made.stdout.split()[-1]

    def redis(self) -> "redis.Redis":
        lines = (self.data / "embedded.env").read_text().splitlines()
        [url] = [line.partition("=")[2] for line in lines if line.startswith("REDIS_URL=")]
        return redis.Redis.from_url(url, socket_timeout=60)  # whose file waits for a busy disk now and again

    def health(self) -> dict[str, list[str]]:
        """What is wrong, by the name of the check."""
        answer = requests.get(f"{self.url}/healthz", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=30)
        return {name: said["problems"] for name, said in answer.json()["checks"].items() if said["status"] != "ok"}

    def order(self, report_type: str = "yearly-sales", parameters: dict[str, str] | None = None) -> str:
        """Order a report, which must be accepted; returns where its status is."""
        body = {"reportType": report_type, "parameters": {"year": "2023"} if parameters is None else parameters}
        answer = self.session.post(f"{self.url}/api/reports", json=body, timeout=30)
        assert answer.status_code == 202, answer.text
        return str(answer.headers["Location"])

    def is_complete(self, location: str) -> bool:
        answer = self.session.get(f"{self.url}{location}", timeout=30)
        return answer.status_code == 200 and answer.json()["status"] == "Complete"

    def answers_until(self, moment: float) -> bool:
        return self.web_answers() and time.monotonic() > moment

    def order_throughout(self, seconds: float) -> list[str]:
        """Order now and again for so long; the web server must answer all the while."""
        end, locations = time.monotonic() + seconds, []
        while time.monotonic() < end:
            locations.append(self.order())
            until = min(end, time.monotonic() + ORDER_EVERY_SECONDS)
            wait_until(partial(self.answers_until, until), timeout=60, every=1)
        return locations


@contextmanager
def running_up(data: Path) -> Iterator[Up]:
    """Nothing of it is left afterwards."""
    try:
        up = Up(data)
        yield up
        up.launcher.terminate()
        up.launcher.wait(120)
    finally:
        left = processes_of(data)
        # Valkey writes its title over its environment: only its parent leads to it.
        for process in [*left, *(child for parent in left for child in children_of(parent))]:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def children_of(parent: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return list(parent.children())
    return []


def execute(client: "redis.Redis", *words: str) -> None:
    client.execute_command(*words)  # type: ignore[no-untyped-call]


def assert_outlives(up: Up, fault: Callable[["redis.Redis"], AbstractContextManager[None]]) -> None:
    """Orders are accepted during the fault and worked off after it, and no service ends."""
    before = up.order()
    wait_until(lambda: up.is_complete(before), timeout=60, every=0.5, message="all is well before")
    with up.redis() as client, fault(client):
        orders = up.order_throughout(FAULT_SECONDS)
        assert up.health(), "healthz tells that something is wrong"
        assert requests.get(f"{up.url}/readyz", timeout=30).status_code == 200
    for location in orders:  # without a hand: what Redis refused is sent again
        wait_until(partial(up.is_complete, location), timeout=90, every=0.5, message="an order is complete")
    wait_until(lambda: up.health() == {}, timeout=60, every=0.5, message="all is well again")
    up.assert_runs()
    assert "restarting it" not in up.output(), "a service has ended"
