"""What is shipped for Prometheus, Grafana and KEDA fits what `/metrics` tells."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.kinds import QueueDials, queue_dials, queues_of_jobs
from tests.support.promtool import FOLDER, RULES, alerts, check_queries, promtool, rules, scrape

DASHBOARD = json.loads((FOLDER / "grafana-dashboard.json").read_text())
SCALED_OBJECTS = list(yaml.safe_load_all((FOLDER / "keda.yml").read_text()))


def dashboard_queries() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield target["expr"].replace("$__rate_interval", "5m").replace("$queue", ".*")


def scaling_queries() -> list[str]:
    return [trigger["metadata"]["query"] for found in SCALED_OBJECTS for trigger in found["spec"]["triggers"]]


def names_in(queries: list[str]) -> set[str]:
    """Metrics, without what the rules record."""
    return {name for query in queries for name in re.findall(r"\b(?:longhaul|django)_[a-z0-9_]+", query)}


def test_promtool_accepts_the_rules_and_their_own_tests() -> None:
    promtool("check", "rules", RULES)
    promtool("test", "rules", FOLDER / "rules_test.yml")


@pytest.mark.parametrize("name", [alert["alert"] for alert in alerts()])
def test_each_alert_fires_in_one_of_their_tests(name: str) -> None:
    """promtool compares all that fires with what is expected, so one that does not fire fails its test."""
    tests = yaml.safe_load((FOLDER / "rules_test.yml").read_text())["tests"]
    expected = [
        str(sample["labels"])
        for test in tests
        for question in test.get("promql_expr_test", [])
        for sample in question.get("exp_samples", [])
    ]
    whole = [question["alertname"] for test in tests for question in test.get("alert_rule_test", [])]
    assert name in whole or any(f'alertname="{name}"' in labels for labels in expected)


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_each_alert_says_how_urgent_it_is_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in ("page", "ticket")
    assert alert["annotations"]["summary"].endswith(".")
    assert len(alert["annotations"]["action"]) > 60


def test_each_alert_is_documented() -> None:
    told = (FOLDER.parent.parent / "docs" / "operations.md").read_text()
    assert [alert["alert"] for alert in alerts() if f"`{alert['alert']}`" not in told] == []


@pytest.mark.django_db(transaction=True)
def test_what_rules_and_dashboard_ask_for_is_told(live_url: str) -> None:
    asked = names_in([rule["expr"] for rule in rules()]) | names_in(list(dashboard_queries()))
    assert len(asked) > 20
    scrape(live_url, at=0)  # probes are not counted: the first answer that is, if nobody else has asked
    assert asked - scrape(live_url, at=0).names == set()


def test_queries_of_dashboard_and_scaling_are_promql(tmp_path: Path) -> None:
    check_queries([*dashboard_queries(), *scaling_queries()], tmp_path)


def test_each_queue_is_scaled_by_what_the_rules_record() -> None:
    assert [found["metadata"]["name"] for found in SCALED_OBJECTS] == [f"longhaul-{name}" for name in queues_of_jobs()]
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    dials = queue_dials()
    for found, queue in zip(SCALED_OBJECTS, queues_of_jobs(), strict=True):
        depth, wait = found["spec"]["triggers"]
        assert depth["metadata"]["query"] == f'max(longhaul:queue_places_wanted{{queue="{queue}"}})'
        assert wait["metadata"]["query"] == f'max(longhaul:queue_wait_for_workers_seconds{{queue="{queue}"}})'
        assert (
            int(depth["metadata"]["threshold"]) * found["spec"]["maxReplicaCount"]
            >= dials.get(queue, QueueDials()).max_running
        )
    assert {"longhaul:queue_places_wanted", "longhaul:queue_wait_for_workers_seconds"} <= recorded
