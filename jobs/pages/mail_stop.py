"""The page that a mail's stop link leads to. It needs no session, and neither does the POST of a mail client.

GET only shows a button, because programs that scan mails follow links. POST is what RFC 8058 asks for.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from jobs.mailing.receivers import exists, switch_topic
from jobs.mailing.stopping import InvalidTokenError, read_token
from jobs.mailing.topics import occasion_of


@never_cache
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def mail_stop(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or switch off what the token names; with `undo`, on again. Whoever has the token may do so."""
    try:
        stop = read_token(token)
    except InvalidTokenError:
        return render(request, "mail/unknown_link.html", status=404)
    if not exists(stop.user_id):
        return render(request, "mail/unknown_link.html", status=404)
    context = {"token": token, "occasion": occasion_of(stop.topic, stop.schedule_id)}
    if request.method != "POST":
        return render(request, "mail/stop.html", context)
    is_undone = "undo" in request.POST
    switch_topic(stop.user_id, stop.topic, on=is_undone, schedule_id=stop.schedule_id)
    return render(request, "mail/stopped.html", {**context, "is_undone": is_undone})
