"""What contributors rely on: one version of ruff everywhere, and guides that name files and commands which exist."""

import re
import tomllib

import pytest
import yaml

from config.stack.datafolder import BASE_DIR


def test_pre_commit_runs_the_locked_ruff() -> None:
    [hooks] = yaml.safe_load((BASE_DIR / ".pre-commit-config.yaml").read_text())["repos"]
    packages = tomllib.loads((BASE_DIR / "uv.lock").read_text())["package"]
    [locked] = [package["version"] for package in packages if package["name"] == "ruff"]
    assert hooks["rev"] == f"v{locked}"


def test_ci_runs_what_developers_run() -> None:
    [job] = yaml.safe_load((BASE_DIR / ".github/workflows/ci.yml").read_text())["jobs"].values()
    assert job["steps"][-1] == {"run": ".ci/run"}
    assert (BASE_DIR / ".ci/run").stat().st_mode & 0o100


@pytest.mark.parametrize("guide", ["CONTRIBUTING.md", "README.md"])
def test_files_and_commands_of_the_guides_exist(guide: str) -> None:
    text = (BASE_DIR / guide).read_text()
    targets = set(re.findall(r"^([a-z-]+):", (BASE_DIR / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", text)) - targets == set()
    paths = re.findall(r"`((?:\.ci|bench|config|docs|examples|jobs|reports|tabular|templates|tests)/[\w./-]*)`", text)
    paths += re.findall(r"\]\(([\w./-]+)", text)
    assert [path for path in paths if not (BASE_DIR / path).exists()] == []
    assert paths


def test_the_guide_finds_names_where_they_are() -> None:
    """Where a name stands directly before the path of its module, as in "`Kind` (`jobs/kinds.py`)"."""
    text = (BASE_DIR / "CONTRIBUTING.md").read_text()
    named = re.findall(r"`(\w+)(?:\([^`]*\))?`\s+(?:in\s+)?\(?`([\w/]+\.py)`", text)
    assert len(named) > 10
    assert [(name, path) for name, path in named if not re.search(rf"\b{name}\b", (BASE_DIR / path).read_text())] == []
