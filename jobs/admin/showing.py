"""Values and links on the pages of the admin."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString


def shown(value: Any) -> Any:
    """A value for people: times to the second in the zone of the page, nothing as a dash."""
    if isinstance(value, datetime):
        return f"{timezone.localtime(value):%Y-%m-%d %H:%M:%S}"
    return "—" if value in (None, "") else value


def link_to(request: HttpRequest, model: Any, pk: object, text: str = "") -> str | SafeString:
    """A link to the page of a row; only its text if the user may not see it, and a dash without an id."""
    if pk is None:
        return "—"
    names = model._meta
    if not request.user.has_perm(f"{names.app_label}.view_{names.model_name}"):
        return text or str(pk)
    url = reverse(f"admin:{names.app_label}_{names.model_name}_change", args=[pk])
    return format_html('<a href="{}">{}</a>', url, text or pk)
