"""Preferences and password of a user."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from jobs.models import Preferences

pytestmark = pytest.mark.django_db

CHOSEN = {"language": "ja", "time_zone": "Asia/Tokyo", "number_format": "1.234,5", "mail_failed": "on"}


@pytest.fixture
def ada(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture(autouse=True)
def mail_is_on(settings: Settings) -> None:
    """The server sends mail."""
    settings.MAIL_IS_ON = True


def test_choices_are_kept_and_shown(ada: Client, owner: User) -> None:
    response = ada.post("/preferences", CHOSEN)
    assert (response.status_code, response["Location"]) == (302, "/preferences")
    kept = Preferences.objects.get()
    assert (kept.user, kept.language, kept.time_zone, kept.number_format) == (owner, "ja", "Asia/Tokyo", "1.234,5")
    assert (kept.mail_complete, kept.mail_failed, kept.mail_schedule_paused, kept.mail_expiring) == (
        False, True, False, False,
    )  # fmt: skip
    page = ada.get("/preferences")
    assert '<html lang="ja">' in page.content.decode()
    assert " JST</time>" in page.content.decode()
    assert ada.post("/preferences", {**CHOSEN, "language": ""}).status_code == 302
    assert Preferences.objects.get().language == ""


@pytest.mark.parametrize(
    "wrong", [{"language": "xx"}, {"time_zone": "Nowhere/Land"}, {"number_format": ""}, {"time_zone": "EST5EDT"}]
)
def test_what_is_not_offered_is_refused(ada: Client, wrong: dict[str, str]) -> None:
    response = ada.post("/preferences", {**CHOSEN, **wrong})
    assert response.status_code == 422
    assert list(response.context["form"].errors) == list(wrong)
    assert not Preferences.objects.exists()


def test_without_mail_no_mails_are_offered_and_the_choices_stay(ada: Client, settings: Settings) -> None:
    ada.post("/preferences", {**CHOSEN, "mail_expiring": "on"})
    assert ada.get("/preferences").content.decode().count('name="mail_') == 4
    settings.MAIL_IS_ON = False
    page = ada.get("/preferences").content.decode()
    assert ("mail_" in page, "Send me mail" in page) == (False, False)
    assert ada.post("/preferences", {**CHOSEN, "number_format": "1,234.5", "mail_complete": "on"}).status_code == 302
    kept = Preferences.objects.get()
    assert (kept.number_format, kept.mail_complete, kept.mail_failed, kept.mail_expiring) == (
        "1,234.5", False, True, True,
    )  # fmt: skip


def test_the_preferences_cost_three_queries(ada: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(3):  # session, user, preferences
        ada.get("/preferences")


def test_preferences_need_a_user(client: Client) -> None:
    assert client.get("/preferences")["Location"] == "/sign-in?next=/preferences"
    assert client.get("/preferences/password")["Location"] == "/sign-in?next=/preferences/password"


def test_the_password_is_changed_and_other_sessions_end(ada: Client, owner: User) -> None:
    owner.set_password("an-old-password")
    owner.save()
    ada.force_login(owner)
    other = Client()
    other.force_login(owner)
    form = {"old_password": "an-old-password", "new_password1": "a-new-password", "new_password2": "a-new-password"}
    assert ada.post("/preferences/password", {**form, "old_password": "wrong"}).status_code == 200
    response = ada.post("/preferences/password", form, follow=True)
    assert "Your password has been changed." in response.content.decode()
    assert other.get("/preferences").status_code == 302
    owner.refresh_from_db()
    assert owner.check_password("a-new-password")


def test_a_visitor_chooses_a_language(client: Client) -> None:
    assert '<html lang="en">' in client.get("/sign-in").content.decode()
    assert client.post("/language", {"language": "ja", "next": "/sign-in"})["Location"] == "/sign-in"
    assert '<html lang="ja">' in client.get("/sign-in").content.decode()
    assert client.post("/language", {"language": "en", "next": "https://evil.example/"})["Location"] == "/"
