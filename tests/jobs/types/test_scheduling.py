"""Orders of schedules: what is stored, and what a run makes of it."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from rest_framework import serializers

from jobs.errors import OrderRefusedError
from jobs.models import Job
from jobs.payloads.sealing import SEALED
from jobs.types.scheduling import TypedOrders, stored_order
from reports.ordering import ORDERING
from reports.types import REPORT_TYPES, SQL, ReportType

pytestmark = pytest.mark.django_db

#: Still Sunday, November 29, in New York.
MONDAY = datetime(2026, 11, 30, 9, tzinfo=ZoneInfo("Asia/Tokyo"))
ORDERS = TypedOrders(ORDERING)


class AllSorts(ReportType):
    """A report with a nested date, a time and a secret."""

    identifier = "all-sorts"
    title = "All sorts"

    class Parameters(serializers.Serializer[Any]):
        period = type("Period", (serializers.Serializer,), {"from": serializers.DateField()})(required=False)
        since = serializers.DateTimeField(required=False)
        local = serializers.DateTimeField(required=False)
        pin = serializers.CharField(write_only=True, required=False)

        def validate(self, attrs: Any) -> Any:
            if attrs.get("pin") == "wrong":
                raise serializers.ValidationError({"pin": "This is not the pin."})
            return attrs

    def query(self, parameters: dict[str, Any], user: Any) -> SQL:
        return SQL("SELECT 1")


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(REPORT_TYPES, "_types", {**REPORT_TYPES._types, "all-sorts": AllSorts()})


def order(relative: dict[str, str] | None = None, **parameters: Any) -> dict[str, Any]:
    body = {"reportType": "all-sorts", "csv": {"encoding": "cp932"}, "parameters": parameters}
    return stored_order(AllSorts(), body, relative or {})


def place(owner: User, stored: dict[str, Any], *, at: datetime = MONDAY, url: str = "") -> Job:
    return ORDERS.place(owner=owner, order=stored, at=at, language="ja", callback_url=url)


def test_an_order_is_placed_with_the_values_of_its_time(owner: User) -> None:
    relative = {"period.from": "start-of-last-week", "since": "today"}
    job = place(owner, order(relative, period={"from": "2020-01-01"}))
    assert job.payload["parameters"] == {"period": {"from": "2026-11-23"}, "since": "2026-11-30T00:00:00+09:00"}
    assert (job.payload["language"], job.payload["csv"]["encoding"]) == ("ja", "cp932")
    assert not job.calls_back
    job = place(owner, order(relative), at=MONDAY.astimezone(ZoneInfo("America/New_York")))
    assert job.payload["parameters"]["period"] == {"from": "2026-11-16"}
    assert job.payload["parameters"]["since"] == "2026-11-29T00:00:00-05:00"


def test_a_time_without_an_offset_is_in_the_zone_of_the_schedule(owner: User) -> None:
    job = place(owner, order(local="2026-01-01T12:00"))
    assert job.payload["parameters"] == {"local": "2026-01-01T12:00:00+09:00"}


def test_the_url_of_the_schedule_becomes_that_of_the_order(owner: User) -> None:
    job = place(owner, order(), url="https://hooks.example.com/x")
    assert [callback.url for callback in job.callbacks.all()] == ["https://hooks.example.com/x"]


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (order({"since": "whenever"}), "The parameters are no longer valid. whenever"),
        (order(pin="wrong"), "The parameters are no longer valid. pin: This is not the pin."),
        (order(former=1), "The parameters are no longer valid. former: There is no such field."),
        (
            {"body": {"reportType": "gone", "parameters": {}}, "relative": {}},
            "This type no longer exists, or you may no longer order it.",
        ),
        (
            {"body": {"reportType": "all-sorts", "parameters": {"pin": {SEALED: "x"}}}, "relative": {}},
            "A secret of this job cannot be decrypted, because the service's key has been replaced since.",
        ),
    ],
)
def test_an_order_that_is_no_longer_valid_is_refused(owner: User, stored: dict[str, Any], reason: str) -> None:
    with pytest.raises(OrderRefusedError) as refused:
        ORDERS.place(owner=owner, order=stored, at=MONDAY, language="en", callback_url="")
    assert str(refused.value) == reason
    assert Job.objects.count() == 0


def test_an_order_whose_encryption_is_up_to_date_stays(owner: User) -> None:
    assert ORDERS.encrypted(order(pin="sesame")) is None
    assert ORDERS.encrypted({"body": {"reportType": "gone", "parameters": {}}, "relative": {}}) is None
