"""Real services as separate processes, over the tests' own database and Redis.

    @pytest.mark.django_db(transaction=True)
    def test_a_report_is_made(stack):
        ...submit...
        wait_until(lambda: Job.objects.get().state == "succeeded", message="the job ends")

Each service runs under a tether that follows the pytest process, so none outlives it.
"""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial

import psutil
import redis

from config.celery import app
from config.stack.datafolder import BASE_DIR, DataFolder
from config.stack.probing import answers, free_port
from config.stack.services import Service, all_services, service_tether
from jobs.models import Queue
from tests.support.waiting import wait_until

# Those that each test of workers gets; the others are started where a test asks for them.
WORKERS = ("worker-csv", "worker-io")
GRACE_SECONDS = 15
#: Each process of the web server loads the whole application, so the tests have one fewer than `make up`.
WEB_PROCESSES = 1
#: Services start within this time, even where many start at once on a slow machine.
START_SECONDS = 200
METRICS_TOKEN = "of-the-tests-own-web-server"

# What the services run with, so that a fault test need not wait for long.
ENVIRONMENT = {
    "CALLBACK_ALLOWED_NETWORKS": "127.0.0.0/8",
    "CALLBACK_ALLOWED_PORTS": "",  # any
    "CALLBACK_ALLOW_HTTP": "1",
    "CALLBACK_TIMEOUT_SECONDS": "1",
    "EXTRA_APPS": ",".join(f"tests.support.apps.{name}" for name in ("chores", "faults", "remote", "warehouse")),
    "HAND_BACK_AFTER_SECONDS": "2",
    "INTERRUPT_AFTER_SECONDS": "1",
    "LEASE_SECONDS": "4",
    "PREVIEW_TIMEOUT_SECONDS": "2",
    "METRICS_TOKEN": METRICS_TOKEN,
    "ORPHAN_FILE_AGE_SECONDS": "0",
    "PYTHONUNBUFFERED": "1",
    "REPUBLISH_AFTER_SECONDS": "2",
    "SHARE_LINKS": "1",
    "WORKER_PRESENCE_SECONDS": "0",  # a test that looks at workers' rows starts workers that write them
}


class Stack:
    """The services that tests may start, by their names in `config/stack/services.py`."""

    def __init__(self, folder: DataFolder, *, database_url: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.environment = {**os.environ, **ENVIRONMENT, "DATABASE_URL": database_url}
        self.services = {service.name: service for service in all_services(port=self.port)}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, name: str, *, as_name: str | None = None, options: Sequence[str] = (), **environment: str) -> None:
        """Start a service, or a second one of its kind; it is not restarted by itself when it dies.

        `options` are added to its command line, and count instead of those that stand there.
        """
        service = replace(self.services[name], grace=GRACE_SECONDS)
        command = service.command
        if name == "web":
            command = [*command, "--workers", str(WEB_PROCESSES)]
        if "--bind" in options:  # gunicorn would listen on both
            at = command.index("--bind")
            command = [*command[:at], *command[at + 2 :]]
        service = replace(service, command=[*command, *options])
        if as_name:
            nodes = {"csv@%h", "io@%h", "callbacks@%h", "calls@%h", "tasks@%h"}
            command = [f"{as_name}@%h" if word in nodes else word for word in service.command]
            service, name = replace(service, command=command), as_name
        with (self.folder.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                without_restart(service_tether(self.folder, service)),
                cwd=BASE_DIR,
                env={**service.environment, **self.environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def is_running(self, name: str) -> bool:
        return name in self.processes and self.processes[name].poll() is None

    def ensure_workers(self) -> None:
        """Start the workers that are not running, and wait until both take tasks.

        One that ends meanwhile is started once more: a worker that reconnects to Redis while a process of its
        pool is dead ends itself (https://github.com/celery/celery/issues/9250), and an earlier test may have
        killed both. In production its supervisor starts it again.
        """
        starts_left = dict.fromkeys(WORKERS, 2)

        def both_answer() -> bool:
            for name in WORKERS:
                if not self.is_running(name) and starts_left[name]:
                    starts_left[name] -= 1
                    self.start(name)
            return self._workers_answer()

        wait_until(both_answer, timeout=START_SECONDS, message="the workers answer")

    def ensure_web(self) -> None:
        if not self.is_running("web"):
            self.start("web")
        wait_until(self._web_answers, timeout=START_SECONDS, message="the web server answers")

    @contextmanager
    def running(
        self, name: str, *, as_name: str | None = None, options: Sequence[str] = (), **environment: str
    ) -> Iterator[None]:
        """Run a service (such as `beat`) for the length of a block, unless the block kills it."""
        self.start(name, as_name=as_name, options=options, **environment)
        name = as_name or name
        try:
            yield
        finally:
            if self.is_running(name):
                self.stop(name)

    @contextmanager
    def web_with(self, *, options: Sequence[str] = (), **environment: str) -> Iterator[None]:
        """Run a web server with other settings in place of the usual one, which starts again when it is asked for."""
        if self.is_running("web"):
            self.stop("web")
        with self.running("web", options=options, **environment):
            self.ensure_web()
            yield

    def pid(self, name: str) -> int:
        """The process id of the main process, below its tether. Raises ProcessLookupError when it has ended."""

        def child() -> int:
            if not self.is_running(name):
                raise ProcessLookupError(f"{name} has ended: {self.log(name)[-3000:]}")
            with suppress(psutil.NoSuchProcess):
                return next((process.pid for process in psutil.Process(self.processes[name].pid).children()), 0)
            return 0

        return wait_until(child, message=f"{name} starts")

    def pool_pids(self, name: str) -> list[int]:
        """The process ids of a prefork worker's children, which run the tasks; none while it begins or ends."""
        with suppress(psutil.NoSuchProcess):
            workers = psutil.Process(self.processes[name].pid).children()
            return [child.pid for worker in workers for child in worker.children()]
        return []

    def kill(self, name: str) -> None:
        """SIGKILL the service's main process and whatever it forked, as the OOM killer would."""
        os.kill(self.pid(name), signal.SIGKILL)
        self.processes.pop(name).wait(60)

    def stop(self, name: str) -> None:
        """End a service gently, as an operator would, and wait for it."""
        process = self.processes.pop(name)
        process.terminate()
        process.wait(60)

    def stop_all(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(60)
        self.processes.clear()

    def drain(self) -> None:
        """Forget undelivered messages and wait for the tasks in hand: tables are flushed after a test.

        The queues are paused, or a job that ends would hand out the next one.
        """
        Queue.objects.update(paused=True)
        with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
            client.delete(*(queue.name for queue in app.conf.task_queues))
        wait_until(lambda: not self._is_busy(), message="the workers finish what they have in hand")

    def log(self, name: str) -> str:
        """What the service has written so far."""
        file = self.folder.logs / f"{name}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def _must_run(self, name: str) -> None:
        assert self.is_running(name), f"{name} ended: {self.log(name)[-3000:]}"

    def _workers_answer(self) -> bool:
        for name in WORKERS:
            self._must_run(name)
        try:
            return len(app.control.ping(timeout=1, limit=len(WORKERS)) or []) >= len(WORKERS)
        except redis.ConnectionError:  # as in _is_busy
            return False

    def _is_busy(self) -> bool:
        alive = [name for name in WORKERS if self.is_running(name)]
        if not alive:
            return False
        try:
            ask = partial(app.control.broadcast, reply=True, timeout=2, limit=len(alive))
            asked = [ask("active"), ask("reserved")]
        except redis.ConnectionError:  # a test restarted Valkey: this connection of the pool was stale, the next is new
            return True
        silent = any(len(answers or []) < len(alive) for answers in asked)
        return silent or any(tasks for answers in asked for answer in answers or [] for tasks in answer.values())

    def _web_answers(self) -> bool:
        self._must_run("web")
        return answers(f"{self.url}/livez")


def without_restart(command: list[str]) -> list[str]:
    """A test that kills a worker wants it dead."""
    end = command.index("--")
    return [word for word in command[:end] if word != "--keep"] + command[end:]


__all__ = ["Service", "Stack", "wait_until"]
