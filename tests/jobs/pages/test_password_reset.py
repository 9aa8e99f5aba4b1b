"""Forgotten passwords: nobody learns which accounts exist, and whoever owns the mailbox gets back in."""

import time
from collections.abc import Callable

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from pytest_django import Settings

from jobs.http import limits
from jobs.mailing import password_reset as mails
from jobs.maintenance.recovery import release_due_jobs
from jobs.models import Job, Queue
from jobs.pages import password_reset
from jobs.worker.execution import execute_job
from tests.support.smtp import PUBLIC_URL, MailServer, mail_server, send_mail_to, text_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_is_published")]

NEW = {"new_password1": "a-new-password", "new_password2": "a-new-password"}


@pytest.fixture(autouse=True)
def mail_is_on(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server sends mail, and no request of another test counts."""
    send_mail_to(settings, MailServer())
    monkeypatch.setattr(limits, "PREFIX", f"longhaul:limit:{time.monotonic_ns()}:")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers take only as long as the work."""
    monkeypatch.setattr(password_reset, "ANSWER_SECONDS", 0.0)


@pytest.fixture
def owner(owner: User) -> User:
    """A user with an address and a password."""
    owner.email = "ada@example.com"
    owner.set_password("an-old-password")
    owner.save()
    return owner


@pytest.fixture
def link(owner: User) -> Callable[[], str]:
    """A new link of the user."""
    return lambda: mails.reset_url(owner).removeprefix(PUBLIC_URL)


def receivers() -> list[str]:
    return [mail.owner.get_username() for mail in Job.objects.filter(kind="mail").order_by("pk") if mail.owner]


def test_the_sign_in_page_offers_it_only_where_the_server_sends_mail(client: Client, settings: Settings) -> None:
    assert 'href="/password/forgot">Forgot your password?</a>' in client.get("/sign-in").content.decode()
    assert client.get("/password/forgot").status_code == 200
    settings.MAIL_IS_ON = False
    assert "/password/forgot" not in client.get("/sign-in").content.decode()
    assert client.get("/password/forgot").status_code == 404
    assert client.post("/password/forgot", {"email": "ada@example.com"}).status_code == 404


@pytest.mark.usefixtures("at_once")
def test_the_answer_is_the_same_for_all_addresses(owner: User, client: Client) -> None:
    User.objects.create_user("bob", email="bob@example.com", password="of-bob-himself", is_active=False)
    User.objects.create_user("guest", email="guest@example.com")  # without a usable password
    User.objects.create_user("eve", email="eve@example.com", password="of-eve-herself")
    answers = set()
    for address in ("ADA@example.com", "bob@example.com", "guest@example.com", "nobody@example.com"):
        response = client.post("/password/forgot", {"email": address})
        assert response.status_code == 302
        page = client.get(response["Location"]).content.decode()
        assert "If an account has this mail address, a link to choose a new password is on its way." in page
        answers.add((response["Location"], page.partition("<main")[2].partition("<footer")[0]))
    assert len(answers) == 1
    assert receivers() == ["ada"]


def test_no_answer_comes_sooner_than_the_others(owner: User, client: Client) -> None:
    for address in ("ada@example.com", "nobody@example.com"):
        begun = time.monotonic()
        client.post("/password/forgot", {"email": address})
        assert time.monotonic() - begun >= 0.5
    assert receivers() == ["ada"]


@pytest.mark.usefixtures("at_once")
def test_a_closed_queue_does_not_show(owner: User, client: Client) -> None:
    Queue.objects.filter(name="mail").update(accepting=False)
    assert client.post("/password/forgot", {"email": "ada@example.com"})["Location"] == "/password/forgot/sent"
    assert receivers() == []


def test_what_is_no_address_is_said(client: Client) -> None:
    response = client.post("/password/forgot", {"email": "ada"})
    assert response.status_code == 200
    assert "Enter a valid email address." in response.content.decode()


@pytest.mark.usefixtures("at_once")
def test_a_client_that_asks_too_often_has_to_wait(client: Client) -> None:
    statuses = [client.post("/password/forgot", {"email": f"{n}@example.com"}).status_code for n in range(21)]
    assert statuses == [302] * 20 + [429]
    response = client.post("/password/forgot", {"email": "ada@example.com"})
    assert 3000 < int(response["Retry-After"]) <= 3600
    assert "Too many links were requested from your network address." in response.content.decode()
    other = client.post("/password/forgot", {"email": "ada@example.com"}, REMOTE_ADDR="203.0.113.9")
    assert other.status_code == 302


@pytest.mark.usefixtures("at_once")
def test_the_number_of_queries(owner: User, client: Client) -> None:
    """The accounts with the address; for one that gets a mail: lock, count, order, and whether the queue has a turn."""
    counts = []
    for address in ("nobody@example.com", "ada@example.com"):
        with CaptureQueriesContext(connection) as queries:
            client.post("/password/forgot", {"email": address})
        sql = [str(query["sql"]) for query in queries]
        counts.append(len([text for text in sql if text not in ("BEGIN", "COMMIT") and "SAVEPOINT" not in text]))
    assert counts == [1, 5]


@pytest.mark.usefixtures("at_once")
def test_from_the_form_to_the_new_password(owner: User, client: Client, settings: Settings) -> None:
    """All other sessions end, the blocks of failed sign-ins too, and the link works once."""
    settings.AXES_FAILURE_LIMIT = 2
    bob = User.objects.create_user("bob", email="bob@example.com", password="of-bob-himself")
    session, of_bob = Client(), Client()
    session.force_login(owner)
    of_bob.force_login(bob)
    for name in ("ada", "bob"):
        for _ in range(2):
            client.post("/sign-in", {"username": name, "password": "wrong"})
    with mail_server() as server:
        send_mail_to(settings, server)
        client.post("/password/forgot", {"email": "ada@example.com"})
        Job.objects.update(due=True, scheduled_at=None)
        Queue.objects.filter(name="mail").update(paused=False)
        release_due_jobs()
        execute_job(Job.objects.get(kind="mail").pk, worker="test")
        [got] = server.mails
    path = text_of(got).partition("Choose a new password: ")[2].split()[0].removeprefix(PUBLIC_URL)
    response = client.get(path)
    assert response["Location"].endswith("/set-password")
    form = client.get(response["Location"])
    assert "For the account <b>ada</b>." in form.content.decode()
    assert "no-store" in form["Cache-Control"]
    wrong = client.post(response["Location"], {**NEW, "new_password2": "another-password"})
    assert "Please check what you entered." in wrong.content.decode()
    done = client.post(response["Location"], NEW, follow=True)
    assert done.redirect_chain == [("/sign-in", 302)]
    assert "Your password has been changed. Your other sessions have ended." in done.content.decode()
    assert session.get("/preferences").status_code == 302
    assert of_bob.get("/preferences").status_code == 200
    assert list(AccessAttempt.objects.values_list("username", flat=True)) == ["bob"]
    assert client.post("/sign-in", {"username": "ada", "password": "a-new-password"}).status_code == 302
    again = Client().get(path)
    assert "This link is not valid" in again.content.decode()
    assert 'href="/password/forgot"' in again.content.decode()


@pytest.mark.parametrize(
    "change",
    [{"is_active": False}, {"password": "!"}, {"email": "new@example.com"}, {"last_login": "2030-01-01T00:00Z"}],
)
def test_a_link_ends_with_what_it_was_made_for(
    change: dict[str, object], owner: User, client: Client, link: Callable[[], str]
) -> None:
    path = link()
    assert client.get(path).status_code == 302
    User.objects.filter(pk=owner.pk).update(**change)
    for tried in (path, path.rpartition("/")[0] + "/set-password"):
        response = client.get(tried)
        assert (response.status_code, "This link is not valid" in response.content.decode()) == (200, True)
        assert client.post(tried, NEW).status_code == 200
    owner.refresh_from_db()
    assert not owner.check_password("a-new-password")


def test_a_link_expires(client: Client, link: Callable[[], str], settings: Settings) -> None:
    path = link()
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert "This link is not valid" in client.get(path).content.decode()


def test_forged_links_and_those_of_others_are_the_same_page(owner: User, client: Client) -> None:
    bob = User.objects.create_user("bob", email="bob@example.com", password="of-bob-himself")
    of_bob = default_token_generator.make_token(bob)
    uid, huge = (urlsafe_base64_encode(force_bytes(key)) for key in (owner.pk, 10**30))
    tried = [(uid, of_bob), (uid, "x"), ("x", of_bob), (huge, "x"), (uid, "set-password"), ("AA", "x")]
    pages = {
        client.get(f"/password/reset/{name}/{token}").content.decode().partition("<main")[2].partition("<footer")[0]
        for name, token in tried
    }
    assert len(pages) == 1
    assert "This link is not valid" in pages.pop()
