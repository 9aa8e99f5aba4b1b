"""Staff see what users have saved and chosen, without secrets."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from jobs.models import Preferences, SavedOrder

pytestmark = pytest.mark.django_db

Member = Callable[[str], Client]


def test_a_saved_order_is_shown_with_masked_secrets(member: Member, owner: User) -> None:
    payload = {"parameters": {"year": 2023, "token": "s3cret-s3cret"}, "csv": {}}
    saved = SavedOrder.objects.create(owner=owner, kind="report", type="yearly-sales", name="Last", payload=payload)
    client = member("viewer")
    text = client.get(reverse("admin:jobs_savedorder_change", args=[saved.pk])).content.decode()
    assert "2023" in text
    assert "***" in text
    assert "s3cret" not in text
    for query in ({"owner": "ada"}, {"q": "ada"}, {"q": "Last"}, {"q": "yearly-sales"}):
        assert list(client.get("/admin/jobs/savedorder/", query).context["cl"].result_list) == [saved]
    assert list(client.get("/admin/jobs/savedorder/", {"owner": "grace"}).context["cl"].result_list) == []


def test_the_mails_that_a_user_wants_are_in_a_list(member: Member, owner: User) -> None:
    chosen = Preferences.objects.create(user=owner, mail_failed=False)
    Preferences.objects.create(user=User.objects.create_user("grace"))
    client = member("viewer")
    for query in ({"owner": "ada"}, {"q": "ada"}):
        assert list(client.get("/admin/jobs/preferences/", query).context["cl"].result_list) == [chosen]
    page = client.get(reverse("admin:jobs_preferences_change", args=[owner.pk])).content.decode()
    assert "when a report or an upload has failed" in page.lower()
    assert client.post(reverse("admin:jobs_preferences_change", args=[owner.pk]), {}).status_code == 403
