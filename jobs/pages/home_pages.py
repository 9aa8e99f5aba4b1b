"""The start page, with the part that refreshes itself, and the search. Thin views."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from jobs.pages.home import read_home
from jobs.pages.home_panels import home_panels
from jobs.pages.kinds_with_pages import kinds_with_pages
from jobs.pages.live import live_part
from jobs.pages.search import LONGEST_QUERY, search_jobs
from jobs.pages.signed_in import SignedInRequest

#: Types of each kind that the start page of a new user links to; the catalogue has the others.
MOST_FIRST_TYPES: Final = 8


@require_safe
@login_required
@never_cache
def home(request: SignedInRequest) -> HttpResponse:
    """What is running, what is ready, and what needs me."""
    shown = read_home(request.user, kinds_with_pages())
    kinds = _kinds(request.user if shown.is_new else None)
    return render(request, "home/home.html", {"home": shown, "panels": home_panels(request), "kinds": kinds})


@live_part
def home_live(request: SignedInRequest) -> HttpResponse:
    """The part of the start page that refreshes itself while a job is active."""
    return render(request, "home/live.html", {"home": read_home(request.user, kinds_with_pages()), "kinds": _kinds()})


@require_safe
@login_required
@never_cache
def search(request: SignedInRequest) -> HttpResponse:
    """My jobs of all kinds that match `?q=`, newest first."""
    asked = request.GET.get("q", "").replace("\0", "").strip()
    try:
        before = UUID(request.GET["before"]) if request.GET.get("before") else None
    except ValueError:
        raise Http404 from None
    too_long = len(asked) > LONGEST_QUERY
    found = search_jobs(request.user, asked, before=before) if asked and not too_long else None
    context = {"asked": asked, "found": found, "too_long": too_long, "longest": LONGEST_QUERY, "kinds": _kinds()}
    return render(request, "home/search.html", context, status=400 if too_long else 200)


def _kinds(new_user: User | None = None) -> list[dict[str, Any]]:
    """For each kind, its words and the addresses of its list and its order form; for a new user, its first types."""
    shown = []
    for pages in kinds_with_pages().values():
        names = pages.names
        try:
            entry = {"words": pages.words, "list": reverse(names["list"]), "order": reverse(names["order"])}
        except NoReverseMatch:  # a kind may leave out its order form
            continue
        if new_user:
            entry["types"] = pages.resource.types.orderable_by(new_user)[:MOST_FIRST_TYPES]
        shown.append(entry)
    return shown
