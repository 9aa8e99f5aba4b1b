"""A user's own tokens, over the API and on their page."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from jobs.models import AuditEntry
from jobs.models.token import ApiToken
from jobs.tokens.issuing import revoke_own_token
from jobs.tokens.scopes import known_scopes
from tests.support.locks import a_session_waits_for_a_lock
from tests.support.threads import Threads
from tests.support.tokens import bearer_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db

NEW = {"name": "nightly", "scopes": ["reports:read"], "expiresInDays": 7}


def make(api: APIClient, **changes: Any) -> Any:
    return api.post("/api/tokens", {**NEW, **changes}, format="json")


def test_a_token_is_made_and_shown_once(api: APIClient, owner: User) -> None:
    answer = make(api)
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    body = answer.json()
    text = body.pop("token")
    assert UUID(body["id"]).version == 7
    assert answer["Location"] == body["url"] == f"/api/tokens/{body['id']}"
    assert (body["name"], body["scopes"], body["prefix"]) == ("nightly", ["reports:read"], text[:8])
    token = ApiToken.objects.get(id=body["id"])
    assert token.expiry is not None
    assert abs(token.expiry - timezone.now() - timedelta(days=7)) < timedelta(minutes=1)
    assert (body["lastUsedAt"], body["isCurrent"]) == (None, False)
    assert text not in str(ApiToken.objects.values())
    with_it = APIClient()
    with_it.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    assert with_it.get("/api/reports").status_code == 200
    assert with_it.get("/api/tokens").status_code == 403
    shown = api.get(body["url"])
    assert "token" not in shown.json()
    assert shown.json()["lastUsedAt"] is not None
    entry = AuditEntry.objects.get(target_id=body["id"])
    assert (entry.action, entry.actor, text in str(entry.after)) == ("add", owner.username, False)


def test_mine_are_listed_newest_first(api: APIClient) -> None:
    ids = [make(api, name=name).json()["id"] for name in ("a", "b")]
    ApiToken.objects.create(User.objects.create_user("stranger"))
    tokens = api.get("/api/tokens").json()["results"]
    assert [token["id"] for token in tokens[:2]] == ids[::-1]
    assert [token["isCurrent"] for token in tokens] == [False, False, True]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": ""}, "#/name"),
        ({"name": "x" * 101}, "#/name"),
        ({"scopes": []}, "#/scopes"),
        ({"scopes": "reports:read"}, "#/scopes"),
        ({"scopes": ["reports:read", "reports:eat"]}, "#/scopes/1"),
        ({"scopes": ["*"]}, "#/scopes/0"),
        ({"scopes": [7]}, "#/scopes/0"),
        ({"name": " "}, "#/name"),
        ({"name": 7}, "#/name"),
        ({"expiresInDays": "7"}, "#/expiresInDays"),
        ({"expiresInDays": True}, "#/expiresInDays"),
        ({"expiresInDays": 0}, "#/expiresInDays"),
        ({"expiresInDays": 366}, "#/expiresInDays"),
        ({"expires": 1}, "#/expires"),
    ],
)
def test_bad_input_is_pointed_at(changes: dict[str, Any], pointer: str, api: APIClient) -> None:
    answer = make(api, **changes)
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_token_gives_no_scope_that_it_lacks(owner: User) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {bearer_of(owner, 'tokens:manage', 'reports:read')}")
    assert make(client).status_code == 201
    answer = make(client, scopes=["reports:order"])
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["detail"] == "Your own token lacks the scope reports:order."


def with_token(text: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


def test_a_token_that_a_token_makes_never_outdoes_it(owner: User) -> None:
    mine, text = ApiToken.objects.create(owner, expiry=timedelta(days=3), scopes=["tokens:manage"])
    ApiToken.objects.update(requests_per_minute=10)
    client = with_token(text)
    for days in (3, 365):
        answer = make(client, scopes=["tokens:manage"], expiresInDays=days)
        assert answer.status_code == 400
        assert answer.json()["errors"] == [
            {
                "pointer": "#/expiresInDays",
                "detail": f"Your own token expires at {mine.expiry:%Y-%m-%dT%H:%M:%SZ}."
                " Omit this to let the new token expire together with yours.",
            }
        ]
    shorter = make(client, scopes=["tokens:manage"], expiresInDays=2).json()
    assert ApiToken.objects.get(id=shorter["id"]).expiry < mine.expiry
    by_default = client.post("/api/tokens", {"name": "x", "scopes": ["tokens:manage"]}, format="json").json()
    token = ApiToken.objects.get(id=by_default["id"])
    assert (token.expiry, token.requests_per_minute, token.issued_by) == (mine.expiry, 10, mine)
    assert by_default["issuedBy"] == client.get(by_default["url"]).json()["issuedBy"] == str(mine.id)
    assert client.get(f"/api/tokens/{mine.id}").json()["issuedBy"] is None
    entry = AuditEntry.objects.get(target_id=by_default["id"])
    assert (entry.after["issued by"], entry.after["expires"]) == (str(mine.id), str(mine.expiry))


def test_a_token_without_an_end_makes_one_of_the_usual_length(api: APIClient) -> None:
    ApiToken.objects.update(expiry=None)
    token = ApiToken.objects.get(id=make(api, expiresInDays=365).json()["id"])
    assert abs(token.expiry - timezone.now() - timedelta(days=365)) < timedelta(minutes=1)


def test_what_a_token_has_made_is_revoked_with_it_however_far_down(api: APIClient, client: Client, owner: User) -> None:
    scopes = ["tokens:manage"]
    child = make(api, scopes=scopes, expiresInDays=20).json()
    beside = make(api, scopes=scopes, expiresInDays=20).json()
    grandchild = make(with_token(child["token"]), scopes=scopes).json()
    client.force_login(owner)
    assert client.post(f"/tokens/{child['id']}/revoke").status_code == 302
    for text in (child["token"], grandchild["token"]):
        assert with_token(text).get("/api/tokens").status_code == 401
    assert with_token(beside["token"]).get("/api/tokens").status_code == 200
    ended = AuditEntry.objects.filter(action="delete").values_list("target_id", flat=True)
    assert set(ended) == {child["id"], grandchild["id"]}


@pytest.mark.django_db(transaction=True)
def test_a_token_that_is_revoked_while_it_makes_another_leaves_none(owner: User) -> None:
    token, text = ApiToken.objects.create(owner, scopes=["tokens:manage"])
    with Threads(1) as elsewhere:
        with transaction.atomic():
            User.objects.select_for_update().get(pk=owner.pk)
            answer = elsewhere.submit(make, with_token(text), scopes=["tokens:manage"])
            wait_until(a_session_waits_for_a_lock)
            assert revoke_own_token(owner, token.id)
        assert answer.result().status_code == 401
    assert not ApiToken.objects.exists()


def test_there_are_so_many_and_those_that_are_over_do_not_count(api: APIClient, settings: Settings) -> None:
    settings.TOKENS_PER_USER = 2
    first = make(api).json()
    answer = make(api)
    assert (answer.status_code, answer.json()["code"]) == (409, "too-many-tokens")
    ApiToken.objects.filter(id=first["id"]).update(expiry=timezone.now() - timedelta(seconds=1))
    assert make(api).status_code == 201
    assert not ApiToken.objects.filter(id=first["id"]).exists()


def test_a_revoked_token_is_over_at_once(api: APIClient) -> None:
    made = make(api).json()
    assert api.delete(made["url"]).status_code == 204
    with_it = APIClient()
    with_it.credentials(HTTP_AUTHORIZATION=f"Bearer {made['token']}")
    assert with_it.get("/api/reports").status_code == 401
    assert api.delete(made["url"]).status_code == 404
    assert AuditEntry.objects.filter(target_id=made["id"], action="delete").count() == 1


def test_somebody_elses_token_answers_exactly_as_an_unknown_one(api: APIClient) -> None:
    theirs, _ = ApiToken.objects.create(User.objects.create_user("stranger"))
    for method in (api.get, api.delete):
        answers = [method(f"/api/tokens/{token}") for token in (theirs.id, UUID(int=1), "none")]
        assert [answer.status_code for answer in answers] == [404] * 3
        assert len({answer.content for answer in answers}) == 1
    assert ApiToken.objects.filter(pk=theirs.pk).exists()


def test_on_its_page_a_token_is_made_shown_once_and_revoked(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert "You have no tokens." in client.get("/tokens").content.decode()
    answer = client.post("/tokens", {"name": "<b>nightly", "days": "7", "scopes": ["reports:read"]})
    token = ApiToken.objects.get()
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert token.token_key in page.split('id="token-text">')[1]
    assert "&lt;b&gt;nightly" in page
    again = client.get("/tokens").content.decode()
    assert 'id="token-text"' not in again
    assert token.token_key not in again
    answer = client.post(f"/tokens/{token.id}/revoke")
    assert (answer.status_code, answer["Location"]) == (302, "/tokens")
    assert not ApiToken.objects.exists()
    assert client.post(f"/tokens/{token.id}/revoke").status_code == 404


def test_the_page_says_what_is_wrong(client: Client, owner: User, settings: Settings) -> None:
    client.force_login(owner)
    answer = client.post("/tokens", {"name": "", "days": "0"})
    assert answer.status_code == 422
    assert "Please check what you entered." in answer.content.decode()
    settings.TOKENS_PER_USER = 0
    answer = client.post("/tokens", {"name": "x", "days": "1", "scopes": list(known_scopes())})
    assert answer.status_code == 409
    assert "which is the maximum" in answer.content.decode()


def test_the_page_is_for_who_is_signed_in(client: Client) -> None:
    assert client.get("/tokens")["Location"] == "/sign-in?next=/tokens"


def test_who_signs_in_again_after_revoking_is_led_to_the_page(client: Client, owner: User) -> None:
    token, _ = ApiToken.objects.create(owner)
    path = f"/tokens/{token.id}/revoke"
    assert client.post(path)["Location"] == f"/sign-in?next={path}"
    client.force_login(owner)
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (302, "/tokens")
    assert ApiToken.objects.filter(pk=token.pk).exists()


def test_to_revoke_a_token_takes_a_second_click(client: Client, owner: User) -> None:
    bearer_of(owner, "reports:read")
    client.force_login(owner)
    whole = client.get("/tokens").content.decode()
    page = whole[whole.index("<main") :]
    asked = page[page.index("<details") : page.index("</details>")]
    assert "Revoke…</summary>" in asked
    assert "stop working immediately" in asked
    assert '<button class="small danger"' in asked
    assert page.count("/revoke") == asked.count("/revoke") == 1
