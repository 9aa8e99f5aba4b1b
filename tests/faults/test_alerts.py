"""Real faults, seen in real scrapes: each fires its alert, and only it.

Prometheus would have to watch for minutes. So the scrapes before and after the fault are handed to `promtool test
rules`, which keeps its own time: what was told last is told for four more minutes. An age that grew with the clock,
while everything is due each second, goes on growing.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from jobs.interventions.cancellation import cancel_jobs
from jobs.models import Job, Queue
from jobs.states import State
from tests.support.fault import Fault
from tests.support.promtool import RULES, Scrape, promtool, scrape
from tests.support.stack import WORKERS, Stack
from tests.support.tokens import bearer_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("every_second")

AGES = ("_age_seconds", "oldest_wait_seconds")
#: Everything is due each second; so in this time all that works has moved. Seconds.
LOOK_SECONDS = 4
#: Minutes of the replay: before the fault, until when alerts are to fire.
CALM, UNTIL = 2, 4


@pytest.fixture
def watch(stack: Stack, live_url: str, tmp_path: Path) -> Iterator["Watch"]:
    with stack.running("beat"):
        watch = Watch(live_url, tmp_path)
        wait_until(watch.is_calm, timeout=30, message="all sweeps run")
        watch.before = watch.scrape()
        yield watch


class Watch:
    """Scrapes, and what the rules make of them."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.before = self.scrape()

    def scrape(self) -> Scrape:
        return scrape(self.url, at=time.monotonic())

    def is_calm(self) -> bool:
        told = self.scrape().samples
        ages = [age for name, age in told.items() if name.startswith("longhaul_sweep_age_seconds")]
        return max(ages) < 3 and any(name.startswith("longhaul_beat_age_seconds") for name in told)

    def firing(self) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
        """Name and queue of the alerts that fire before the fault, and some minutes after it."""
        first = self.scrape()
        wait_until(lambda: time.monotonic() - first.at > LOOK_SECONDS)
        last = self.scrape()
        steps = UNTIL * 4
        series = [{"series": 'up{instance="web", job="longhaul"}', "values": f"1x{steps}"}]
        for name, value in last.samples.items():
            stood_still = any(age in name for age in AGES) and self._grew(name, first, last)
            before = f"{self.before.samples[name]}x{CALM * 4 - 1} " if name in self.before.samples else f"_x{CALM * 4} "
            series.append({"series": name, "values": f"{before}{value}+{15 if stood_still else 0}x{steps}"})
        calm, hurt = (self._ask(series, f"{minutes}m") for minutes in (CALM, CALM + UNTIL))
        return calm, hurt

    def _grew(self, name: str, first: Scrape, last: Scrape) -> bool:
        grown = last.samples[name] - first.samples.get(name, last.samples[name])
        return abs(grown - (last.at - first.at)) < 0.5

    def _ask(self, series: list[dict[str, str]], at: str) -> set[tuple[str, str]]:
        """promtool only compares; so it is told to expect what cannot be, and says what it got."""
        expected = {"labels": "{}", "value": -1}
        question = {"expr": 'count by (alertname, queue) (ALERTS{alertstate="firing"}) or vector(0)', "eval_time": at}
        test: dict[str, Any] = {"interval": "15s", "input_series": series}
        test["promql_expr_test"] = [{**question, "exp_samples": [expected]}]
        file = self.folder / "replay.yml"
        file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "15s", "tests": [test]}))
        with pytest.raises(AssertionError) as answer:
            promtool("test", "rules", file)
        return found(str(answer.value))


def found(answer: str) -> set[tuple[str, str]]:
    """The samples that promtool `got`: each its labels in braces and its value."""
    [got] = [line for line in answer.splitlines() if line.strip().startswith("got:")]
    samples = [dict(re.findall(r'(\w+)="([^"]*)"', labels)) for labels in re.findall(r"\{([^}]*)\}", got)]
    return {(labels["alertname"], labels.get("queue", "")) for labels in samples if labels}


def test_workers_that_are_stopped(watch: Watch, fault: Fault, stack: Stack) -> None:
    for name in WORKERS:
        stack.stop(name)
    fault.submit("work")
    assert watch.firing() == (
        set(),
        {("LonghaulWorkersMissing", "reports"), ("LonghaulWorkersMissing", "housekeeping")},
    )


def test_a_beat_that_is_killed(watch: Watch, fault: Fault, stack: Stack) -> None:
    stack.kill("beat")
    job = fault.submit("work")
    fault.wait_for(job, State.SUCCEEDED)
    assert watch.firing() == (set(), {("LonghaulBeatDown", "")})


def test_a_queue_that_is_filled(watch: Watch, fault: Fault, stack: Stack) -> None:
    Queue.objects.filter(name="reports").update(max_running=1, max_queued=2)
    token = bearer_of(fault.owner)
    body = {"reportType": "slow-rows", "parameters": {"rows": 1000, "seconds": 0.05}}

    def order() -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.post(f"{watch.url}/api/reports", json=body, headers=headers, timeout=10).status_code

    assert order() == 202
    wait_until(lambda: Job.objects.filter(state=State.RUNNING).exists())
    assert [order() for _ in range(6)] == [202, 202, 503, 503, 503, 503]
    firing = watch.firing()
    cancel_jobs(Job.objects.values_list("pk", flat=True), actor="faults")
    wait_until(lambda: not Job.objects.exclude(state=State.CANCELLED).exists())
    assert firing == (set(), {("LonghaulQueueFull", "reports")})
