"""Code of report types that hangs, ends its process or takes all memory: it costs a preview and no web server."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import requests
from django.contrib.auth.models import User

from tests.support.stack import WEB_PROCESSES, Stack
from tests.support.tokens import bearer_of
from tests.support.waiting import wait_until

Preview = Callable[[str], requests.Response]


@pytest.fixture
def preview(transactional_db: None, live_url: str) -> Preview:
    token = bearer_of(User.objects.create_user("faults"))

    def ask(how: str) -> requests.Response:
        return requests.post(
            f"{live_url}/api/reports/preview",
            json={"reportType": "unruly", "parameters": {"how": how}},
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        )

    return ask


@pytest.fixture
def web_processes(preview: Preview, all_services: Stack) -> Iterator[list[int]]:
    """The processes that serve requests; the same ones at the end of the test, and without children that compute."""
    wait_until(lambda: len(all_services.pool_pids("web")) == WEB_PROCESSES)
    before = all_services.pool_pids("web")
    yield before
    assert all_services.pool_pids("web") == before
    wait_until(lambda: not computing(before), message="no process of a preview is left")


def computing(pids: list[int]) -> list[psutil.Process]:
    """The processes that make previews: children of the servers that fork them."""
    servers = [
        child for pid in pids for child in psutil.Process(pid).children() if "forkserver" in str(child.cmdline())
    ]
    return [child for server in servers for child in server.children()]


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("exit", 422, "worker-lost"),
        ("kill", 422, "worker-lost"),
        ("eat", 422, "out-of-memory"),
        ("raise", 422, "internal-error"),
        ("hang", 503, "preview-unavailable"),
    ],
)
def test_unruly_code_is_a_problem_and_no_process_of_the_server_ends(
    how: str, status: int, code: str, preview: Preview, web_processes: list[int]
) -> None:
    answer = preview(how)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "hunter2" not in answer.text
    assert preview("behave").json()["rows"] == [["1"], ["2"], ["3"]]


def test_what_code_prints_is_not_taken_for_its_answer(preview: Preview, web_processes: list[int]) -> None:
    assert preview("print").json()["rows"] == [["1"], ["2"], ["3"]]


def test_code_that_never_returns_leaves_the_server_answering(
    preview: Preview, web_processes: list[int], live_url: str
) -> None:
    with ThreadPoolExecutor(4) as elsewhere:
        hung = [elsewhere.submit(preview, "spin") for _ in range(4)]
        wait_until(lambda: computing(web_processes), message="a preview is computed in a process of its own")
        assert requests.get(f"{live_url}/livez", timeout=5).status_code == 200
    assert {answer.result().json()["code"] for answer in hung} == {"preview-unavailable"}


def test_a_web_server_that_is_killed_leaves_nothing_that_computes(
    preview: Preview, all_services: Stack, live_url: str
) -> None:
    served = all_services.pool_pids("web")
    with ThreadPoolExecutor(1) as elsewhere:
        cut_off = elsewhere.submit(preview, "sleep")
        process = wait_until(lambda: computing(served), message="a preview is computed")[0]
        os.kill(process.parents()[1].pid, signal.SIGKILL)
        with pytest.raises(requests.ConnectionError):
            cut_off.result()
    wait_until(lambda: not process.is_running(), timeout=30, message="the process of the preview ends")
    wait_until(
        lambda: len(all_services.pool_pids("web")) == WEB_PROCESSES, message="the web server has all its processes"
    )
