"""Language and time zone of a page."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone, translation

from jobs.models import Preferences
from jobs.pages.localization import localize_pages

pytestmark = pytest.mark.django_db


def seen(client: Client, path: str = "/", **headers: str) -> tuple[str, str]:
    """Language and time zone that the view of `path` would have."""
    request = client.get(path, headers=headers).wsgi_request
    found: list[tuple[str, str]] = []

    def view(request: object) -> object:
        from django.http import HttpResponse

        found.append((str(translation.get_language()), timezone.get_current_timezone_name()))
        return HttpResponse()

    localize_pages(view)(request)  # type: ignore[arg-type]
    return found[0]


def test_the_preferences_of_the_user_count(client: Client, django_user_model: type[User]) -> None:
    user = django_user_model.objects.create_user("ada")
    Preferences.objects.create(user=user, language="ja", time_zone="Asia/Tokyo")
    client.force_login(user)
    client.cookies["timezone"] = "Europe/Berlin"
    assert seen(client, **{"Accept-Language": "en"}) == ("ja", "Asia/Tokyo")
    assert client.get("/").headers["Content-Language"] == "ja"


def test_without_preferences_those_of_the_browser_count(client: Client) -> None:
    client.cookies["timezone"] = "Europe/Berlin"
    assert seen(client, "/sign-in", **{"Accept-Language": "ja,en;q=0.5"}) == ("ja", "Europe/Berlin")
    assert "Accept-Language" in client.get("/sign-in").headers["Vary"]


@pytest.mark.parametrize("zone", ["", "Nowhere/Land", "../../etc/passwd", "Asia/Tokyo\x00"])
def test_an_unknown_time_zone_is_utc(client: Client, zone: str) -> None:
    client.cookies["timezone"] = zone
    assert seen(client, "/sign-in") == ("en", "UTC")


@pytest.mark.parametrize("path", ["/api/errors", "/admin/login/", "/api/reports"])
def test_the_api_and_the_admin_stay_in_english(client: Client, path: str) -> None:
    client.cookies["timezone"] = "Asia/Tokyo"
    assert seen(client, path, **{"Accept-Language": "ja"}) == ("en", "UTC")
