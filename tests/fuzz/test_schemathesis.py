"""schemathesis over the running server, with all its checks: bounded here, longer by `make fuzz`."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from knox.crypto import hash_token

from jobs.models import Job
from jobs.models.token import ApiToken
from jobs.types.callback_fields import PUBLIC_URL
from tests.support.stack import Stack
from tests.support.tokens import bearer_of

CONFIG = Path(__file__).parent / "schemathesis.toml"
#: Requests of each operation that fuzzing and each stateful scenario make at most.
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "6")
#: Of the 1,400 cases of the coverage phase, one in so many is sent; all of them when it runs for long.
COVERAGE_ONE_IN = 10
LONG = os.environ.get("FUZZ_SECONDS")


@pytest.fixture
def hooks() -> Any:
    """Imported here, as schemathesis takes a second, in each process of a run."""
    from tests.support import schemathesis_hooks

    return schemathesis_hooks


@pytest.mark.fuzz
def test_for_long(stack: Stack, live_url: str, tmp_path: Path) -> None:
    print(fuzz(live_url, tmp_path, "--max-time", LONG or "600"))  # noqa: T201


def test_the_server_does_what_its_schema_says(stack: Stack, live_url: str, tmp_path: Path) -> None:
    phases = ("--phases", "examples,coverage,fuzzing,stateful")
    report = fuzz(live_url, tmp_path, *phases, coverage_one_in=COVERAGE_ONE_IN)
    tested = re.search(r"Selected: (\d+)/(\d+)\n  Tested: (\d+)", report)
    assert tested, report
    assert len(set(tested.groups())) == 1
    assert Job.objects.filter(kind="report").exists()  # what is valid gets through


def test_only_what_a_delete_answered_with_204_is_gone(hooks: Any) -> None:
    """The hooks are called with schemathesis' own failure; what it found is dropped otherwise, and nothing else is."""
    from schemathesis.core.failures import ServerError
    from schemathesis.openapi.checks import UseAfterFree

    def used_after(path: str) -> UseAfterFree:
        return UseAfterFree(operation="DELETE /api/x/{id}", message="", free=f"DELETE {path}", usage=f"GET {path}")

    for status, path in ((202, "/api/x/cancelled"), (204, "/api/x/gone")):
        case = SimpleNamespace(method="DELETE", formatted_path=path)
        hooks.after_call(None, case, SimpleNamespace(status_code=status))
    found = [used_after("/api/x/cancelled"), used_after("/api/x/gone"), ServerError(operation="", status_code=500)]
    assert [hooks.filter_failure(None, failure, None, None) for failure in found] == [False, True, True]


def test_a_request_line_that_gunicorn_refuses_is_not_sent(hooks: Any) -> None:
    for long in ({"mode": "x" * 8_000}, {"callbackURL": "\u6771" * 1_000}):
        case = SimpleNamespace(formatted_path="/api/uploads", query=long, headers={}, meta=None)
        assert not hooks.filter_case(None, case)
        case.query = {name: value[:300] for name, value in long.items()}
        assert hooks.filter_case(None, case)


def test_the_pattern_of_the_hooks_is_that_of_the_schema(hooks: Any) -> None:
    assert hooks.PUBLIC_URL == PUBLIC_URL


def fuzz(live_url: str, folder: Path, *options: str, coverage_one_in: int = 1) -> str:
    """What schemathesis says; fails the test where it found something."""
    owner = User.objects.create_user("ada")
    bearer = bearer_of(owner)
    for _ in range(5):
        bearer_of(owner)  # newer ones are the first that a stateful scenario revokes
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", f"{live_url}/api/schema"]
    command += ["--checks", "all", "--max-examples", EXAMPLES, "--header", f"Authorization: Bearer {bearer}"]
    command += ["--continue-on-failure", "--no-color", *options]
    environment = {"PYTHONPATH": str(CONFIG.parents[2]), "FUZZ_COVERAGE_ONE_IN": str(coverage_one_in)}
    # It leaves files where it runs.
    run = subprocess.run(command, cwd=folder, env={**os.environ, **environment},
                         capture_output=True, text=True, timeout=7200, check=False)  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert ApiToken.objects.filter(digest=hash_token(bearer)).exists(), "it has revoked the token that it asks with"
    return run.stdout
