"""Language, time zone and number format of a page: those of the user's preferences, or those of the browser.

The API and the admin stay in English and UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers

from jobs.localization import localized, preferences_of, time_zones
from jobs.models import Preferences

logger = structlog.get_logger(__name__)

#: First parts of paths without pages. Their answers are the same for everybody.
NOT_PAGES: Final = frozenset({"api", "admin", "static", "livez", "readyz", "healthz", "metrics"})
#: The cookie in which the script of the pages keeps the time zone of the browser.
TIME_ZONE_COOKIE: Final = "timezone"


def localize_pages(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware. It comes after the authentication; it costs a signed-in user's page one query."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path.split("/", 2)[1] in NOT_PAGES:
            return get_response(request)
        with localized_for(request) as language:
            response = get_response(request)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ("Accept-Language",))
        return response

    return middleware


@contextmanager
def localized_for(request: HttpRequest) -> Iterator[str]:
    """The block makes a page for the user of the request. Yields its language, and sets `request.preferences`."""
    preferences = request.preferences = _preferences(request)  # type: ignore[attr-defined]
    language = preferences.language or translation.get_language_from_request(request)
    with localized(language, _zone(request, preferences), preferences.number_format):
        yield language


def page_language(request: HttpRequest) -> str:
    """The language of the user's pages, for an order that the script of a page places through the API."""
    return _preferences(request).language or translation.get_language_from_request(request)


def _preferences(request: HttpRequest) -> Preferences:
    """Those of the user. An outage of the database is left to the view, whose answer says what is wrong."""
    try:
        return preferences_of(request.user.pk) if request.user.is_authenticated else Preferences()
    except Error as error:
        logger.warning("preferences_unreadable", error=repr(error))
        return Preferences()


def _zone(request: HttpRequest, preferences: Preferences) -> ZoneInfo:
    for name in (preferences.time_zone, request.COOKIES.get(TIME_ZONE_COOKIE, "")):
        if name in time_zones():
            return ZoneInfo(name)
    return ZoneInfo(settings.TIME_ZONE)
