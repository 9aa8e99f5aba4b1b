"""The example's call: what it asks the remote API, what it returns, and where it exists."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User

from calls.models import Step
from calls.ordering import ORDERING
from calls.types import CALL_TYPES, Host
from config.stack.datafolder import BASE_DIR
from examples.rates.call_types import hosts_of, mean
from jobs.models import Job
from tests.support.remotes import Remote, exchange_rates
from tests.support.uploads import run

ORDER = {"callType": "exchange-rates", "parameters": {"base": "EUR", "year": "2023"}}


@pytest.fixture
def known(remote: Remote) -> Iterator[None]:
    """The type exists."""
    with exchange_rates(remote):
        yield


@pytest.mark.usefixtures("known")
@pytest.mark.django_db(transaction=True)
def test_a_year_is_twelve_requests_each_made_once(owner: User, remote: Remote) -> None:
    job = run(ORDERING.place_order(owner=owner, data=ORDER).job)
    assert (job.state, job.progress_done, job.progress_total) == ("succeeded", 12, 12)
    value = (job.result or {})["value"]
    assert list(value["months"]) == [f"2023-{month:02}-01" for month in range(1, 13)]
    assert value["months"]["2023-01-01"] == {
        "CHF": "0.942552", "GBP": "0.858186", "JPY": "156.705", "PLN": "4.29926", "USD": "1.07907",
    }  # fmt: skip
    assert sorted(value["average"]) == ["CHF", "GBP", "JPY", "PLN", "USD"]
    assert value["average"]["USD"] == "1.09804"
    counts = remote.counts()
    assert set(counts["targets"]) == {f"/rates?base=EUR&date={day}" for day in value["months"]}
    assert (counts["requests"], counts["statuses"]) == (12, {"200": 12})
    assert counts["peakInFlight"] <= 4
    assert Step.objects.filter(job=job, of_item=False).count() == 12


@pytest.mark.usefixtures("known")
@pytest.mark.django_db(transaction=True)
def test_an_attempt_after_a_failure_asks_only_for_what_is_missing(owner: User, remote: Remote) -> None:
    remote.behave({"do": "close"})
    job = run(ORDERING.place_order(owner=owner, data=ORDER).job)
    assert job.state == "failed"
    Job.objects.filter(pk=job.pk).update(state="queued", retry_at=None)
    job.refresh_from_db()
    assert run(job).state == "succeeded"
    counts = remote.counts()
    assert (counts["requests"], counts["statuses"]) == (13, {"200": 12})


def test_a_mean_has_the_decimals_of_the_rates() -> None:
    assert mean(["1.09462", "1.1", "0.888060"]) == "1.027560"
    assert mean(["153.846"]) == "153.846"
    assert mean(["1", "2"]) == "2"


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("http://127.0.0.1:8010", {"127.0.0.1:8010": Host(in_flight=20, per_second=50)}),
        ("https://API.example.com", {"api.example.com": Host(in_flight=20, per_second=50)}),
        ("", {}),
    ],
)
def test_the_host_is_that_of_the_setting(url: str, hosts: dict[str, Host]) -> None:
    assert hosts_of(url) == hosts


def test_without_the_setting_there_is_no_such_type() -> None:
    """As in production, and in the settings of the tests."""
    assert CALL_TYPES.find("exchange-rates") is None


def test_with_the_setting_there_is_one_and_its_declaration_is_right() -> None:
    shown = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "--command", SHOW],
        cwd=BASE_DIR,
        env={**os.environ, "EXAMPLE_RATES_URL": "http://127.0.0.1:8010/"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.splitlines() == ["['127.0.0.1:8010']", "http://127.0.0.1:8010", "[]"]


SHOW = """
from django.conf import settings
from django.core.checks import run_checks
from calls.types import CALL_TYPES
print(list(CALL_TYPES.find("exchange-rates").hosts))
print(settings.EXAMPLE_RATES_URL)
print([each.id for each in run_checks() if each.id == "calls.E001"])
"""
