"""Secrets: made, rotated, derived again, and never stored."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core import serializers
from django.db import connection
from django.db.models.functions import Now
from pytest_django import Settings
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from jobs.models import CallbackSecret
from jobs.webhooks.signing import MOST_SECRETS, rotate_secret, signed_headers, signing_secrets, valid_secrets, value_of
from tests.support.threads import Threads

pytestmark = pytest.mark.django_db


def test_a_secret_is_as_the_standard_says_and_another_for_each(owner: User) -> None:
    first, second = rotate_secret(owner).value, rotate_secret(User.objects.create_user("eve")).value
    assert first.startswith("whsec_")
    assert 24 <= len(base64.b64decode(first.removeprefix("whsec_"))) <= 64
    assert first != second


def test_after_a_rotation_both_sign_until_the_former_ones_time_is_over(owner: User) -> None:
    former = rotate_secret(owner)
    current = rotate_secret(owner)
    assert signing_secrets(owner.pk) == [current.value, former.value]
    former.row.refresh_from_db()
    assert former.row.signs_until is not None
    assert abs(former.row.signs_until - current.row.created_at - timedelta(hours=24)) < timedelta(seconds=1)
    headers = signed_headers(signing_secrets(owner.pk), message_id="msg_1", at=datetime.now(UTC), body='{"a":1}')
    for secret in (former.value, current.value):
        assert Webhook(secret).verify('{"a":1}', headers) == {"a": 1}
    with pytest.raises(WebhookVerificationError):
        Webhook(rotate_secret(User.objects.create_user("eve")).value).verify('{"a":1}', headers)
    CallbackSecret.objects.filter(pk=former.row.pk).update(signs_until=Now())
    assert signing_secrets(owner.pk) == [current.value]


def test_no_more_than_a_few_sign_at_once(owner: User) -> None:
    values = [rotate_secret(owner).value for _ in range(MOST_SECRETS + 2)]
    assert signing_secrets(owner.pk) == values[::-1][:MOST_SECRETS]
    assert CallbackSecret.objects.count() == MOST_SECRETS


def test_what_has_expired_is_removed_by_the_next_rotation(owner: User) -> None:
    rotate_secret(owner)
    CallbackSecret.objects.update(signs_until=Now())
    rotate_secret(owner)
    assert CallbackSecret.objects.count() == 1


def test_who_has_none_gets_one_and_keeps_it(owner: User) -> None:
    [made] = signing_secrets(owner.pk)
    assert signing_secrets(owner.pk) == [made]
    assert valid_secrets(owner.pk).count() == 1


def test_a_row_signs_nothing_without_the_key(owner: User, settings: Settings) -> None:
    value = rotate_secret(owner).value
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new one"
    assert signing_secrets(owner.pk) == [value]
    assert signing_secrets(owner.pk) != [rotate_secret(owner).value]
    settings.SECRET_KEY_FALLBACKS = []
    assert value not in signing_secrets(owner.pk)
    assert value_of(CallbackSecret.objects.earliest("pk")) is None


def test_neither_the_database_nor_a_repr_holds_the_value(owner: User) -> None:
    rotated = rotate_secret(owner)
    key = rotated.value.removeprefix("whsec_")
    with connection.cursor() as cursor:
        cursor.execute("SELECT jobs_callbacksecret::text FROM jobs_callbacksecret")
        stored = str(cursor.fetchall())
    for text in (stored, serializers.serialize("json", [rotated.row]), repr(rotated), repr(rotated.row)):
        assert key not in text
        assert base64.b64decode(key).hex() not in text


@pytest.mark.django_db(transaction=True)
def test_rotations_at_once_come_one_after_the_other(owner: User) -> None:
    with Threads(4) as threads:
        values = {rotated.value for rotated in threads.map(rotate_secret, [owner] * 4)}
    assert set(signing_secrets(owner.pk)) == values
    assert CallbackSecret.objects.filter(signs_until=None).count() == 1
