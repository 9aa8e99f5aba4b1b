"""Template tags and filters of the pages. They need no request, because error pages are rendered without one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.core.exceptions import DisallowedHost
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from jobs import numbers
from jobs.joining import join_words
from jobs.pages import sections
from jobs.pages.wording import STATUS_LABELS

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.functional import _StrOrPromise

register = template.Library()


@register.simple_tag(takes_context=True)
def origin(context: template.Context) -> str:
    """Scheme and host of this site, such as `https://reports.example`.

    Empty if there is no request, or if it names a host that is not ours: its error page must not fail, too.
    """
    request: HttpRequest | None = context.get("request")
    try:
        return f"{request.scheme}://{request.get_host()}" if request else ""
    except DisallowedHost:
        return ""


@register.simple_tag
def home() -> str:
    """The address of the start page."""
    return reverse(next(iter(sections.sections())))


@register.simple_tag
def navigation_sections() -> list[tuple[str, _StrOrPromise]]:
    """Name of the path, and label, of each section."""
    return [(name, str(label)) for name, label in sections.sections().items()]


@register.simple_tag
def time_zone_name() -> str:
    """The time zone of all times on the page."""
    return timezone.get_current_timezone_name().replace("_", " ")


@register.filter
def number(value: float, decimals: int = 0) -> str:
    """`1,234`, in the number format of the user; empty for None."""
    return "" if value is None else numbers.format_number(value, decimals=decimals)


@register.filter
def size(value: int) -> str:
    """A number of bytes, as `1.2 MB`; empty for None."""
    return "" if value is None else numbers.format_size(value)


@register.filter
def listed(words: Iterable[object]) -> str:
    """Words in a row, as the language of the page joins them: `a, b, c`."""
    return join_words(words)


@register.filter
def labels(label: object, text: object) -> str:
    """`Year: This field is required.`"""
    return _("%(label)s: %(value)s") % {"label": label, "value": text}


@register.filter
def status_label(word: str) -> str:
    """A status of the API in the language of the page."""
    return str(STATUS_LABELS.get(word, word))


@register.simple_tag
def moment(at: datetime) -> SafeString:
    """An exact time: `2026-11-29 21:40 JST`."""
    return format_html('<time datetime="{}">{}</time>', timezone.localtime(at).isoformat(), _exact(at))


@register.simple_tag
def ago(at: datetime) -> SafeString:
    """A time relative to now, with the exact one as its tooltip. A page that needs it at hand also shows `moment`.

    Seconds are not counted: a part of a page that refreshes itself would never be the same as before.
    """
    exact, age = _exact(at), timezone.now() - at
    told = _("just now") if timedelta(0) <= age < timedelta(minutes=1) else naturaltime(at)
    return format_html('<time datetime="{}" title="{}">{}</time>', timezone.localtime(at).isoformat(), exact, told)


def _exact(at: datetime) -> str:
    return date_format(timezone.localtime(at), "Y-m-d H:i T")
