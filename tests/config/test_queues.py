"""QUEUES: the names of further queues, for the settings and for the worker that consumes them."""

import re
import subprocess
import sys

import pytest
import yaml

from config.queues import all_queues, csv_queues, queues_of_tasks
from config.stack.datafolder import BASE_DIR, LaunchError
from config.stack.services import all_services


@pytest.mark.parametrize(
    ("named", "consumed"),
    [
        ("", "reports,uploads"),
        ("reports,uploads,team-a", "reports,uploads,team-a"),
        (" team-a , team_b.2,team-a,", "reports,uploads,team-a,team_b.2"),
        ("callbacks,calls,operations,housekeeping,reports,team-a", "reports,uploads,team-a"),
    ],
)
def test_longhauls_own_come_first_and_each_once(named: str, consumed: str) -> None:
    assert ",".join(csv_queues({"QUEUES": named})) == consumed
    own = ("callbacks", "mail", "calls", "tasks", "operations", "housekeeping")
    assert all_queues({"QUEUES": named}) == (*consumed.split(","), *own)


@pytest.mark.parametrize("named", ["a b", "a\x06b", "_kombu", "-q", "x" * 51, "ü", "a/b"])
def test_what_can_be_no_queue_is_refused(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="is not the name of a queue"):
        all_queues({"QUEUES": named})
    monkeypatch.setenv("QUEUES", named)
    with pytest.raises(LaunchError, match="is not the name of a queue"):
        all_services(port=1)


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("CALLBACK_CONCURRENCY", "CALLBACK_CONCURRENCY is '0', but must be a number of threads, 1 or more"),
        ("TASK_CONCURRENCY", "TASK_CONCURRENCY is '0', but must be a number of processes, 1 or more"),
    ],
)
def test_a_worker_needs_one_place(variable: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "3")
    assert [service.name for service in all_services(port=1) if service.command[-2:] == ["--concurrency", "3"]] == [
        {"CALLBACK_CONCURRENCY": "worker-callbacks", "TASK_CONCURRENCY": "worker-tasks"}[variable]
    ]
    monkeypatch.setenv(variable, "0")
    with pytest.raises(LaunchError, match=said):
        all_services(port=1)


def test_a_task_may_name_the_queues_of_queues() -> None:
    assert queues_of_tasks({}) == ("tasks",)
    assert queues_of_tasks({"QUEUES": "reports,team-a"}) == ("tasks", "team-a")


def test_the_csv_worker_consumes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUES", "team-a")
    [command] = [service.command for service in all_services(port=1) if service.name == "worker-csv"]
    assert command[command.index("-Q") + 1] == "reports,uploads,team-a"


def test_containers_ask_for_the_same_names() -> None:
    command = [sys.executable, "-m", "config.queues"]
    for named, code, said in (("team-a", 0, "reports,uploads,team-a\n"), ("a b", 1, "")):
        asked = subprocess.run(command, cwd=BASE_DIR, env={"QUEUES": named}, capture_output=True, text=True)
        assert (asked.returncode, asked.stdout) == (code, said)
    assert "python -m config.queues" in (BASE_DIR / "docker-compose.yml").read_text()


def test_each_queue_is_consumed_by_one_worker_of_each_deployment() -> None:
    compose = yaml.safe_load((BASE_DIR / "docker-compose.yml").read_text())["services"]
    commands = {
        "make up": [" ".join(service.command) for service in all_services(port=1)],
        "compose": [
            " ".join(each) if isinstance(each := service.get("command", ""), list) else each
            for service in compose.values()
        ],
    }
    for deployment, said in commands.items():
        text = " ".join(said).replace('"$$queues"', ",".join(csv_queues({})))
        consumed = [name for names in re.findall(r" -Q (\S+)", text) for name in names.split(",")]
        assert sorted(consumed) == sorted(all_queues({})), deployment
