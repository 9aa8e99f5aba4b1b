"""`/api/errors`: the catalogue of error codes as a page. The `type` of each problem links to a row of it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from jobs.error_codes import Source, error_codes


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """Open to everybody: about this server, it reveals only which apps have registered codes."""
    seen: set[str] = set()
    tables = []
    for source in Source:
        rows = []
        for known in error_codes(source):
            anchor = "" if known.code in seen else known.code  # responses and jobs may share a code
            seen.add(known.code)
            rows.append((known, anchor, _html(known.when), _html(known.remedy), _html(known.retry)))
        tables.append((source.heading, rows))
    return render(request, "api_errors.html", {"tables": tables})


def _html(text: str) -> SafeString:
    """Text, with its parts in backticks as `<code>` elements."""
    parts = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if odd % 2 else part,) for odd, part in parts)
    )
