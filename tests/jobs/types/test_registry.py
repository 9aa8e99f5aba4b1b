"""The registry of a kind's types. `tests/reports/test_types.py` has it find the types of another app."""

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ImproperlyConfigured

from jobs.types import registry as registries
from jobs.types.base import JobType
from jobs.types.checks import check_types
from jobs.types.registry import TypeRegistry, UnknownTypeError


class Probe(JobType):
    """The base of a kind's types."""


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> TypeRegistry[Probe]:
    monkeypatch.setattr(registries, "_registries", list(registries._registries))
    return TypeRegistry("report", Probe)


def make(name: str = "Made", *, base: type = Probe, **members: object) -> type[JobType]:
    return type(name, (base,), {"identifier": "made", "title": "Made", **members})


@pytest.mark.parametrize("identifier", ["", "Made", "made_up", "-made", "made-", "a--b", "ma de"])
def test_an_identifier_is_lower_case_words_joined_by_hyphens(types: TypeRegistry[Probe], identifier: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="lower-case words joined by hyphens"):
        types.register(make(identifier=identifier))
    assert types.all() == []


def test_two_types_with_one_identifier_are_refused(types: TypeRegistry[Probe]) -> None:
    first = types.register(make())
    assert types.register(first) is first
    with pytest.raises(ImproperlyConfigured, match="both have the identifier 'made'"):
        types.register(make("Twin"))
    assert [type(known) for known in types.all()] == [first]


def test_a_type_of_another_kind_is_refused(types: TypeRegistry[Probe]) -> None:
    with pytest.raises(ImproperlyConfigured, match="must be a subclass of"):
        types.register(make(base=JobType))


def test_a_type_that_a_user_may_not_order_looks_unknown(types: TypeRegistry[Probe]) -> None:
    types.register(make(identifier="z-open"))
    types.register(make(identifier="a-closed", may_order=lambda self, user: user.is_authenticated))
    assert [known.identifier for known in types.all()] == ["a-closed", "z-open"]
    assert [known.identifier for known in types.orderable_by(AnonymousUser())] == ["z-open"]
    assert types.get("a-closed", User()) is types.find("a-closed")
    for identifier in ("a-closed", "unknown"):
        with pytest.raises(UnknownTypeError) as caught:
            types.get(identifier, AnonymousUser())
        assert caught.value.args == (identifier,)


def test_orders_wait_in_the_queue_of_the_kind_unless_the_type_names_one(types: TypeRegistry[Probe]) -> None:
    types.register(make(identifier="usual"))
    types.register(make(identifier="special", queue="operations"))
    assert [types.queue_of(known) for known in types.all()] == ["operations", "reports"]


def test_checks_look_at_the_types_of_each_registry(types: TypeRegistry[Probe]) -> None:
    types.register(make(queue="nowhere", database="nothing"))
    assert [message.id for message in check_types(None)] == ["tests.E001", "tests.E002"]
