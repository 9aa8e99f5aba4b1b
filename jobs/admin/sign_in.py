"""Sign-in to the admin."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache


@never_cache
def admin_login(request: HttpRequest) -> HttpResponse:
    """Show the admin's own form, or a 403 page to users who are signed in but are not staff."""
    if request.user.is_authenticated and not admin.site.has_permission(request):
        return render(request, "registration/not_staff.html", status=403)
    return admin.site.login(request)
