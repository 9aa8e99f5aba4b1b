"""The page of a mail's stop link, for people and for the one click of a mail client (RFC 8058)."""

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from jobs.localization import preferences_of
from jobs.mailing.stopping import SALT, stop_token
from jobs.mailing.topics import OCCASIONS, Topic
from jobs.models import Schedule

OCCASION = "when a report or an upload has failed"


@pytest.fixture
def path(owner: User) -> str:
    """The link of a mail about a failure."""
    return f"/mail/stop/{stop_token(owner.pk, Topic.FAILED)}"


@pytest.fixture
def client() -> Client:
    """Not signed in, and as strict about CSRF as in production."""
    return Client(enforce_csrf_checks=True)


def is_on(owner: User) -> bool:
    return preferences_of(owner.pk).mail_failed


def test_the_link_asks_and_changes_nothing(path: str, owner: User, client: Client) -> None:
    for method in (client.get, client.head):
        response = method(path)
        assert (response.status_code, is_on(owner), response.cookies) == (200, True, {})
    page = client.get(path).content.decode()
    assert f"Longhaul sends you a mail {OCCASION}." in page
    assert page.count("<button>") == 1  # beside those of the languages
    assert "ada" not in page
    assert "no-store" in client.get(path)["Cache-Control"]


def test_the_button_stops_the_topic_and_may_be_pressed_twice(path: str, owner: User, client: Client) -> None:
    for _ in range(2):
        response = client.post(path)
        assert (response.status_code, is_on(owner), response.cookies) == (200, False, {})
        assert f"Longhaul no longer sends you a mail {OCCASION}." in response.content.decode()
    preferences = preferences_of(owner.pk)
    assert (preferences.mail_schedule_paused, preferences.mail_complete) == (True, False)


def test_a_mail_client_stops_it_with_one_click(path: str, owner: User, client: Client) -> None:
    response = client.post(path, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
    assert (response.status_code, is_on(owner)) == (200, False)


def test_it_can_be_undone(path: str, owner: User, client: Client) -> None:
    assert 'name="undo"' in client.post(path).content.decode()
    response = client.post(path, {"undo": "1"})
    assert "You get these mails again" in response.content.decode()
    assert is_on(owner)


@pytest.mark.parametrize("topic", list(OCCASIONS))
def test_each_topic_has_a_link(topic: Topic, owner: User, client: Client) -> None:
    path = f"/mail/stop/{stop_token(owner.pk, topic)}"
    client.post(path, {"undo": "1"})
    assert getattr(preferences_of(owner.pk), topic.preference)
    client.post(path)
    assert not getattr(preferences_of(owner.pk), topic.preference)


@pytest.mark.parametrize("choice", ["failed", "always"])
@pytest.mark.parametrize("topic", [Topic.RUN_FAILED, Topic.RUN_COMPLETE])
def test_the_link_of_a_schedule_stops_its_mails_and_no_others(
    topic: Topic, choice: str, owner: User, client: Client
) -> None:
    bob = User.objects.create_user("bob")
    kind = {"kind": "report", "type": "yearly-sales", "order": {}, "recurrence": {}, "mail": choice}
    own, other = (Schedule.objects.create(owner=owner, name="Secret plans", **kind) for _ in range(2))
    of_bob = Schedule.objects.create(owner=bob, **kind)
    path = f"/mail/stop/{stop_token(owner.pk, topic, own.pk)}"

    def choices() -> list[str]:
        return [Schedule.objects.get(pk=schedule.pk).mail for schedule in (own, other, of_bob)]

    page = client.get(path).content.decode()
    assert "Longhaul sends you a mail about runs of this schedule, as you have chosen for it." in page
    assert "Secret plans" not in page
    assert choices() == [choice] * 3
    for body in ({}, {"List-Unsubscribe": "One-Click"}):
        page = client.post(path, body).content.decode()
        assert "Longhaul no longer sends you a mail about runs of this schedule, as you have chosen for it." in page
        assert choices() == ["none", choice, choice]
    for _ in range(2):
        assert "You get these mails again" in client.post(path, {"undo": "1"}).content.decode()
        assert choices() == [choice] * 3
    forged = stop_token(bob.pk, topic, own.pk)  # nobody can make it, and it stops nothing
    client.post(f"/mail/stop/{forged}")
    assert choices() == [choice] * 3
    assert is_on(owner)


@pytest.mark.parametrize("method", ["get", "post"])
def test_forged_links_are_a_friendly_404(method: str, path: str, owner: User, client: Client) -> None:
    other_purpose = signing.Signer(salt="other").sign_object([owner.pk, "failed"])
    no_topic = signing.Signer(salt=SALT).sign_object([owner.pk, "other"])
    nobody = stop_token(0, Topic.FAILED)
    for token in ("x", path.rsplit("/", 1)[1] + "x", other_purpose, no_topic, nobody, "a:b", "%00"):
        response = getattr(client, method)(f"/mail/stop/{token}")
        assert (response.status_code, response.cookies) == (404, {}), token
        assert "This link is not valid" in response.content.decode()
    assert is_on(owner)


def test_a_link_outlives_a_new_secret_key(path: str, owner: User, client: Client, settings: Settings) -> None:
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another-key-of-the-service"
    assert client.post(path).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert client.post(path).status_code == 404


def test_other_methods_are_refused(path: str, client: Client) -> None:
    assert client.put(path).status_code == 405


def test_the_number_of_queries(path: str, client: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    assert len(queries) == 1
    client.post(path)
    with CaptureQueriesContext(connection) as queries:
        client.post(path)
    assert len([query for query in queries if "SAVEPOINT" not in str(query["sql"])]) == 3
