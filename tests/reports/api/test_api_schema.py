"""`/api/schema` and `/api/docs`: what they show to whom."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework import serializers
from rest_framework.test import APIClient

from reports.types import REPORT_TYPES, SQL, ReportType, register
from tests.support.tokens import bearer_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def secret_type() -> Iterator[str]:
    """A report type that anybody may order who is signed in, but for one account."""

    @register
    class Acquisitions(ReportType):
        identifier = "planned-acquisitions"
        title = "Planned acquisitions"

        class Parameters(serializers.Serializer[Any]):
            codename = serializers.ChoiceField(choices=["bluebird", "kingfisher"], help_text="of the target")

        def query(self, parameters: Any, user: Any) -> SQL:
            return SQL("SELECT 1")

        def may_order(self, user: Any) -> bool:
            return bool(user.username != "outsider")

    yield Acquisitions.identifier
    REPORT_TYPES._types.pop(Acquisitions.identifier)


def schema(**headers: str) -> str:
    answer = APIClient().get("/api/schema", headers={"Accept": "application/json", **headers})
    assert answer.status_code == 200
    text: str = answer.content.decode()
    return text


def shown(text: str) -> set[str]:
    return {
        word for word in ("planned-acquisitions", "Planned", "codename", "bluebird", "of the target") if word in text
    }


def test_whoever_is_not_signed_in_learns_of_no_report_type(secret_type: str) -> None:
    text = schema()
    assert shown(text) == set()
    for known in REPORT_TYPES.all():
        assert f'"{known.identifier}"' not in text
        assert str(known.title) not in text
    assert '"examples"' not in text
    assert "/admin" not in text


def test_a_user_sees_the_types_that_they_may_order(secret_type: str) -> None:
    insider, outsider = (User.objects.create_user(name) for name in ("insider", "outsider"))
    assert len(shown(schema(Authorization=f"Bearer {bearer_of(insider)}"))) == 4  # a title is no part of an order
    for hidden in (bearer_of(outsider), bearer_of(insider, "reports:order")):
        text = schema(Authorization=f"Bearer {hidden}")
        assert shown(text) == set()


def test_the_page_names_no_type_either(client: Client, secret_type: str) -> None:
    answer = client.get("/api/docs")
    assert answer.status_code == 200
    assert shown(answer.content.decode()) == set()


def test_a_stranger_costs_one_schema_however_often_they_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    first = schema()

    def fail(*args: Any, **kwargs: Any) -> None:
        pytest.fail("the schema is made once more")

    monkeypatch.setattr("drf_spectacular.generators.SchemaGenerator.get_schema", fail)
    assert schema() == first
    answer = APIClient().get("/api/schema?lang=de&version=9", headers={"Accept": "application/json"})
    assert (answer.content.decode(), answer["Cache-Control"]) == (first, "private, no-cache")
