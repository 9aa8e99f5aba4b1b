"""What a job keeps of its parameters is read again by the same serializer, and means the same."""

import datetime
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework import serializers

from jobs.types.canonical import canonical


class Inner(serializers.Serializer[Any]):
    name = serializers.CharField(write_only=True)
    number = serializers.IntegerField(default=7)


class Every(serializers.Serializer[Any]):
    text = serializers.CharField(write_only=True, required=False, allow_null=True)
    day = serializers.DateField(write_only=True, required=False)
    at = serializers.DateTimeField(required=False)
    price = serializers.DecimalField(max_digits=8, decimal_places=2, write_only=True, required=False)
    renamed = serializers.CharField(source="other", write_only=True, required=False)
    one = Inner(write_only=True, required=False)
    several = Inner(many=True, required=False)
    listed = serializers.ListField(child=Inner(), required=False)
    by_name = serializers.DictField(child=Inner(), required=False)
    choices = serializers.MultipleChoiceField(choices=["a", "b"], required=False)
    hidden = serializers.HiddenField(default="x")
    shown = serializers.CharField(read_only=True)
    json = serializers.JSONField(write_only=True, required=False)


class Repeated(serializers.Serializer[Any]):
    password = serializers.CharField(write_only=True)
    again = serializers.CharField(write_only=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["password"] != attrs.pop("again"):
            raise serializers.ValidationError("They differ.")
        return attrs


def read(serializer: type[serializers.Serializer[Any]], data: Any) -> tuple[dict[str, Any], Any]:
    """What it is as JSON, and what it means."""
    bound = serializer(data=data)
    bound.is_valid(raise_exception=True)
    return canonical(bound, bound.validated_data, data), bound.validated_data


INNER = st.fixed_dictionaries({"name": st.text("abc", min_size=1)}, optional={"number": st.integers(0, 99)})
DATA = st.fixed_dictionaries(
    {},
    optional={
        "text": st.none() | st.text("abc", min_size=1),
        "day": st.dates().map(str),
        "at": st.datetimes(timezones=st.just(datetime.UTC)).map(str),
        "price": st.decimals(-999, 999, places=2).map(str),
        "renamed": st.text("abc", min_size=1),
        "one": INNER,
        "several": st.lists(INNER, max_size=2),
        "listed": st.lists(INNER, max_size=2),
        "by_name": st.dictionaries(st.text("abc", min_size=1), INNER, max_size=2),
        "choices": st.sets(st.sampled_from(["a", "b"]), min_size=1).map(sorted),
        "json": st.recursive(st.integers(0, 9), lambda inner: st.lists(inner, max_size=2), max_leaves=3),
    },
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DATA)
def test_it_is_read_again_and_means_the_same(data: dict[str, Any]) -> None:
    stored, meant = read(Every, data)
    stored = json.loads(json.dumps(stored))
    assert set(stored) == set(data)
    again, meant_again = read(Every, stored)
    assert meant_again == meant
    assert json.loads(json.dumps(again)) == stored


def test_what_is_written_only_is_kept_in_its_canonical_form() -> None:
    stored, meant = read(Every, {"price": "1.5", "renamed": "x", "one": {"name": "y"}})
    assert stored == {"price": "1.50", "renamed": "x", "one": {"name": "y", "number": 7}}
    assert meant["price"] == Decimal("1.50")


def test_what_the_serializer_takes_out_is_there_when_it_is_validated_again() -> None:
    stored, _ = read(Repeated, {"password": "x", "again": "x"})
    assert stored == {"password": "x", "again": "x"}
    assert read(Repeated, stored)[0] == stored


def test_a_serializer_that_has_its_own_json_keeps_it() -> None:
    class Own(Inner):
        def to_representation(self, instance: Any) -> dict[str, Any]:
            return {"number": str(instance["number"])}

    assert read(Own, {"name": "x", "number": 8})[0] == {"name": "x", "number": "8"}


@pytest.mark.parametrize("missing", [{"password": "x"}, {}])
def test_what_is_not_valid_is_refused(missing: dict[str, Any]) -> None:
    with pytest.raises(serializers.ValidationError):
        read(Repeated, missing)
