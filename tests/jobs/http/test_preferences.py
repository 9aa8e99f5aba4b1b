"""The header field `Prefer` (RFC 7240)."""

import pytest
from rest_framework.test import APIClient

from tests.support.ordering import ORDER, post

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "prefer",
    ["respond-async", "Respond-Async", "wait=10, respond-async", 'respond-async; x="a,b"', "foo,respond-async"],
)
def test_an_order_says_that_it_is_answered_asynchronously_as_preferred(prefer: str, api: APIClient) -> None:
    answer = post(api, ORDER, headers={"Prefer": prefer})
    assert (answer.status_code, answer["Preference-Applied"]) == (202, "respond-async")


@pytest.mark.parametrize(
    "prefer", ["", "return=minimal", "respond-async2", 'x="respond-async"', ",;=", '"', 'x="a, respond-async']
)
def test_another_preference_is_ignored(prefer: str, api: APIClient) -> None:
    answer = post(api, ORDER, headers={"Prefer": prefer})
    assert (answer.status_code, "Preference-Applied" in answer) == (202, False)


def test_it_is_told_of_what_is_asynchronous_only(api: APIClient) -> None:
    answer = api.get("/api/report-types", headers={"Prefer": "respond-async"})
    assert (answer.status_code, "Preference-Applied" in answer) == (200, False)
