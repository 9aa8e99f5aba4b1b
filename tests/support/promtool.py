"""Prometheus' own checker, and scrapes that are real."""

import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

from config.stack.datafolder import BASE_DIR
from tests.support.stack import METRICS_TOKEN

FOLDER = BASE_DIR / "config" / "monitoring"
RULES = FOLDER / "rules.yml"
PROMTOOL = Path(sys.executable).parent / "promtool"


def promtool(*arguments: str | Path) -> str:
    """What it prints; the test fails where it fails."""
    done = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def check_queries(queries: Iterable[str], folder: Path) -> None:
    """Each is PromQL."""
    recorded = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    file = folder / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": recorded}]}))
    promtool("check", "rules", file)


@dataclass(frozen=True)
class Scrape:
    """The samples of one scrape, by their names and labels as Prometheus writes them; and the names of all metrics."""

    at: float
    samples: Mapping[str, float]
    names: frozenset[str]


def scrape(url: str, *, at: float) -> Scrape:
    """As Prometheus does it: the web server's address becomes a label."""
    answer = requests.get(f"{url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=10)
    assert answer.status_code == 200, answer.text
    samples, names = {}, set()
    for family in text_string_to_metric_families(answer.text):
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
        names |= {family.name + suffix for suffix in suffixes}
        for sample in family.samples:
            labels = {**sample.labels, "instance": "web", "job": "longhaul"}
            written = ", ".join(f'{name}="{value}"' for name, value in labels.items())
            samples[f"{sample.name}{{{written}}}"] = sample.value
    return Scrape(at, samples, frozenset(names))
