"""Names of downloads: without secrets, and a name on every system."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from rest_framework import serializers

from tests.support.results import Finished

pytestmark = pytest.mark.django_db(transaction=True)


def name_of(finished: Finished) -> str:
    artifact = finished.job.result_artifact
    assert artifact is not None, finished.job.result
    return artifact.filename


def today() -> str:
    return timezone.localdate().isoformat()


class Parameters(serializers.Serializer[Any]):
    year = serializers.IntegerField(required=False)
    city = serializers.CharField(required=False)
    password = serializers.CharField(required=False)
    pin = serializers.IntegerField(required=False)
    note = serializers.CharField(required=False, write_only=True)
    secretly = serializers.CharField(required=False, source="key", style={"input_type": "password"})
    since = serializers.DateField(required=False)
    price = serializers.DecimalField(max_digits=10, decimal_places=2, required=False)
    regions = serializers.ListField(child=serializers.CharField(), required=False)
    open = serializers.BooleanField(required=False)


def test_the_name_holds_no_secret(report_of: Callable[..., str], run_order: Callable[..., Finished]) -> None:
    report_of("SELECT 1 AS one", Parameters=Parameters, sensitive=("pin",))
    secrets = {"password": "hunter2", "pin": 4711, "note": "swordfish", "secretly": "sesame"}
    assert name_of(run_order("made", {"year": 2023, **secrets})) == f"made-2023-{today()}.csv"


def test_the_name_has_what_is_short_and_no_more(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    report_of("SELECT 1 AS one", Parameters=Parameters)
    given = {"city": "S\u00e3o Paulo", "since": "2023-04-01", "price": "1.50", "regions": ["a"], "open": True}
    assert name_of(run_order("made", given)) == f"made-S\u00e3o Paulo-2023-04-01-1.50-{today()}.csv"


def test_a_long_parameter_does_not_cost_the_report(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    report_of("SELECT 1 AS one")
    assert name_of(run_order("made", {"value": "x" * 300}, compression="gzip")) == f"made-{today()}.csv.gz"


def test_where_secrets_are_too_many_to_be_looked_for_the_name_has_no_parameters(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    report_of("SELECT 1 AS one", Parameters=Parameters, sensitive=("regions",))
    assert (
        name_of(run_order("made", {"year": 2023, "regions": [f"id-{n}" for n in range(201)]})) == f"made-{today()}.csv"
    )


@pytest.mark.parametrize("name", ["a/b\\c:d\r\n", "x" * 300, "", 7, None])
def test_what_a_type_calls_its_file_is_made_safe(
    name: Any, report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    report_of("SELECT 1 AS one", filename=lambda self, parameters: name)
    made = name_of(run_order("made"))
    expected = {"a/b\\c:d\r\n": "a-b-c-d.csv", "x" * 300: f"{'x' * 116}.csv"}
    assert made == expected.get(name, f"made-{today()}.csv")


def test_a_type_that_cannot_name_its_file_does_not_cost_the_report(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    report_of("SELECT 1 AS one", filename=lambda self, parameters: parameters["missing"])
    assert name_of(run_order("made")) == f"made-{today()}.csv"


def test_a_secret_that_a_type_writes_into_the_name_is_masked(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    report_of(
        "SELECT 1 AS one", Parameters=Parameters, filename=lambda self, parameters: f"for {parameters['password']}"
    )
    assert name_of(run_order("made", {"password": "hunter2"})) == "for.csv"
