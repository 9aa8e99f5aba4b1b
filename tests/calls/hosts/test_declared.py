"""The limits of a host that several call types declare."""

from __future__ import annotations

import pytest

from calls.checks import check_hosts
from calls.hosts.declared import limits_of, seed_hosts
from calls.models import Host
from calls.types import CALL_TYPES, CallType
from calls.types import Host as Limits


@pytest.fixture
def two_types(monkeypatch: pytest.MonkeyPatch) -> None:
    class One(CallType):
        identifier = "one"
        title = "One"
        hosts = {"a.example": Limits(in_flight=8, per_second=5), "same.example": Limits(in_flight=1)}

    class Two(CallType):
        identifier = "two"
        title = "Two"
        hosts = {"a.example": Limits(in_flight=9), "same.example": Limits(in_flight=1)}

    monkeypatch.setattr(CALL_TYPES, "_types", {"one": One(), "two": Two()})


@pytest.mark.usefixtures("two_types")
def test_the_stricter_limits_count() -> None:
    assert limits_of("a.example") == Limits(in_flight=8, per_second=5)
    assert limits_of("a.example", Limits(in_flight=2)) == Limits(in_flight=2, per_second=5)
    assert limits_of("other.example") == Limits()


@pytest.mark.usefixtures("two_types")
def test_a_check_warns_of_limits_that_differ() -> None:
    assert [(each.id, each.msg) for each in check_hosts(None)] == [
        ("calls.W001", "One and Two declare different limits for a.example: the stricter ones count.")
    ]


@pytest.mark.usefixtures("two_types")
@pytest.mark.django_db(transaction=True)
def test_declared_hosts_are_seeded_once() -> None:
    Host.objects.create(host="same.example", in_flight=7)
    seed_hosts()
    assert list(Host.objects.order_by("host").values_list("host", "declared", "in_flight", "per_second")) == [
        ("a.example", True, 8, 5.0), ("same.example", True, 7, None)
    ]  # fmt: skip
