"""What contributors rely on: the same checks before a commit, on their machine and in CI."""

import tomllib

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
