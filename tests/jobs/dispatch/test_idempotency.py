"""Fingerprints of requests. What clients see of idempotency keys: tests/reports/api."""

from pytest_django import Settings

from jobs.dispatch.idempotency import Idempotency


def test_fingerprints_that_an_earlier_version_stored_are_known(settings: Settings) -> None:
    settings.SECRET_KEY = "a key"
    stored = "efe247fa877b707f35d39be23ed00b4cecc6245ff5e84be203edf19e5aa1e035"
    assert Idempotency.of("k", kind="report", body={"year": "2023"}).fingerprint == stored
