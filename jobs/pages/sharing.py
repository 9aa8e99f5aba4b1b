"""Create and revoke share links with the forms on a job's page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from jobs.api.lookup import get_job
from jobs.pages.posting import View, post_only_from
from jobs.pages.refusal import Refusal
from jobs.pages.share_panel import LONGEST, SHORT_TERMS, too_many_links
from jobs.pages.signed_in import SignedInRequest
from jobs.sharing.errors import NotShareableError, TooManyLinksError, UnknownLinkError
from jobs.sharing.links import create_link, revoke_link

if TYPE_CHECKING:
    from jobs.pages.job_pages import JobPages


def share_paths(pages: JobPages) -> list[URLPattern]:
    """The paths of both forms, for a kind whose jobs have a file."""
    resource = pages.resource
    if not resource.has_download:
        return []

    def of_job(view: Callable[..., HttpResponseBase]) -> View:
        return only_if_on(post_only_from(pages.names["detail"], "job_id")(partial(view, pages)))

    at, kind = f"{resource.kind}s/<str:job_id>/share", resource.kind
    return [
        path(at, of_job(share), name=f"{kind}-page-share"),
        path(f"{at}/<str:link_id>/revoke", of_job(unshare), name=f"{kind}-page-unshare"),
    ]


def only_if_on(view: View) -> View:
    """404 for every method unless SHARE_LINKS is on."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponseBase:
        if not settings.SHARE_LINKS:
            raise Http404
        return view(request, *args, **kwargs)

    return wrapped


def share(pages: JobPages, request: SignedInRequest, job_id: str) -> HttpResponseBase:
    """Create a link, and go back to the job's page, which shows it. If that is refused, the page gives the reason."""
    job = get_job(request, job_id, kind=pages.resource.kind)
    term = request.POST.get("term", "")
    if term not in (LONGEST, *map(str, SHORT_TERMS)):
        return _refused(pages, request, job_id, 422, _("Choose how long the link works."))
    try:
        link = create_link(job.pk, creator=request.user, days=None if term == LONGEST else int(term))
    except NotShareableError:
        return _refused(pages, request, job_id, 409, _("The file cannot be downloaded any more."))
    except TooManyLinksError:
        return _refused(pages, request, job_id, 409, too_many_links())
    return redirect(f"{reverse(pages.names['detail'], args=[job.pk])}?link={link.pk}#share")


def unshare(pages: JobPages, request: SignedInRequest, job_id: str, link_id: str) -> HttpResponseBase:
    """Revoke a link, and go back to the job's page. A second click changes nothing."""
    job = get_job(request, job_id, kind=pages.resource.kind)
    try:
        revoke_link(job.pk, UUID(link_id), actor=request.user.get_username())
    except (UnknownLinkError, ValueError):
        raise Http404 from None
    return redirect(f"{reverse(pages.names['detail'], args=[job.pk])}#share")


def _refused(pages: JobPages, request: SignedInRequest, job_id: str, status: int, reason: str) -> HttpResponseBase:
    return pages.detail(request, job_id, status=status, refused=Refusal(_("The link was not created"), reason))
