"""What the browser shows when the server cannot be reached: a page that its service worker has kept.

https://developer.mozilla.org/en-US/docs/Web/API/Service_Worker_API
"""

from __future__ import annotations

import hashlib

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import translation
from django.views.decorators.http import require_safe


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """The page itself."""
    return HttpResponse(render_to_string("offline.html"))


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """The script. Its path is at the root, because it may serve only paths below its own.

    Its cache is named after the content of the page and the language, so that a browser replaces what it keeps when
    either changes.
    """
    shown = f"{translation.get_language()} {render_to_string('offline.html')}"
    version = hashlib.sha256(shown.encode()).hexdigest()[:12]
    return render(request, "service_worker.js", {"version": version}, content_type="text/javascript")
