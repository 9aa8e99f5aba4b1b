"""A page instead of a problem object, for a person who followed a link to the API, such as that of a download."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from jobs.http.problems import MEDIA_TYPE
from jobs.pages.localization import localized_for

#: Status → heading and text of the page. For any other, the page shows the title and the detail of the problem.
WORDS: Final = {
    404: (_("Page not found"), _("This page does not exist, was deleted, or belongs to another user.")),
    409: (_("The file is not ready"), _("There is no file to download yet. Its page tells how far it is.")),
    410: (_("The file is gone"), _("The file has expired or was deleted. You can order it again.")),
    429: (
        _("Too many requests"),
        _("Your browser has sent more requests than this server allows. Nothing was lost. Try again in a minute."),
    ),
}
#: Fields of the problem's response that the page keeps.
KEPT: Final = ("Retry-After", "Cache-Control")


def show_problems_to_people(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware. Only browsers send `Sec-Fetch-Mode: navigate` (Fetch Metadata), and only for a page to be shown."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        is_problem = response.headers.get("Content-Type") == MEDIA_TYPE
        if not is_problem or request.method != "GET" or request.headers.get("Sec-Fetch-Mode") != "navigate":
            return response
        if response.status_code == 401:
            return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
        return _page(request, response)

    return middleware


def _page(request: HttpRequest, response: Any) -> HttpResponse:
    problem = json.loads(response.content)
    heading, text = WORDS.get(response.status_code, (problem["title"], problem["detail"]))
    with localized_for(request):
        page = render(request, "problem.html", {"heading": heading, "text": text, "code": response.status_code})
    page.status_code = response.status_code
    for name in KEPT:
        if name in response.headers:
            page[name] = response[name]
    return page
