"""Problems of the API, as people see them who follow a link."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

pytestmark = pytest.mark.django_db

DOWNLOAD = "/api/reports/0192f0c1-2345-7890-8abc-def012345678/download"
NAVIGATE = {"Sec-Fetch-Mode": "navigate"}


def test_a_person_gets_a_page(client: Client, owner: User) -> None:
    client.force_login(owner)
    response = client.get(DOWNLOAD, headers=NAVIGATE)
    assert (response.status_code, response["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "<h1>Page not found</h1>" in response.content.decode()


def test_a_person_who_is_not_signed_in_signs_in_first(client: Client) -> None:
    response = client.get(DOWNLOAD, headers=NAVIGATE)
    assert (response.status_code, response["Location"]) == (302, f"/sign-in?next={DOWNLOAD}")


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Mode": "cors"}])
def test_a_program_gets_the_problem(client: Client, owner: User, headers: dict[str, str]) -> None:
    client.force_login(owner)
    response = client.get(DOWNLOAD, headers=headers)
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


def test_a_form_that_is_too_large_is_413(client: Client, owner: User) -> None:
    client.force_login(owner)
    form = "application/x-www-form-urlencoded"
    response = client.post("/preferences", "language=" + "x" * 1_100_000, content_type=form)
    assert response.status_code == 413
    assert "Too much data at once" in response.content.decode()
