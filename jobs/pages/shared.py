"""The public pages of a share link: what the file is, and the file itself.

They need no session, and responses set no cookie. (A script of the page keeps the time zone of the browser in one.)
"""

from __future__ import annotations

from functools import partial, wraps

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jobs.api.download import artifact_response
from jobs.errors import ArtifactError
from jobs.http.problems import ProblemError, problem_response
from jobs.models import Job
from jobs.pages.posting import View
from jobs.pages.sharing import only_if_on
from jobs.sharing.errors import LinkEndedError, UnknownLinkError
from jobs.sharing.visits import find_link, record_use
from jobs.types.registry import registries


def public(view: View) -> View:
    """404 unless SHARE_LINKS is on. All links that do not work get the same page, with 404 if unknown, else 410.

    No response is indexed, and no address is sent on as a referrer, because whoever knows it can download the file.
    """

    @only_if_on
    @require_safe
    @wraps(view)
    def wrapped(request: HttpRequest, token: str) -> HttpResponseBase:
        try:
            response = view(request, token)
        except UnknownLinkError:
            response = _page(request, "shared/ended.html", status=404)
        except (LinkEndedError, ArtifactError):
            response = _page(request, "shared/ended.html", status=410)
        response["X-Robots-Tag"] = "noindex"
        response["Referrer-Policy"] = "no-referrer"
        return response

    return wrapped


@public
def shared_file(request: HttpRequest, token: str) -> HttpResponse:
    """The file in words, and a button to download it."""
    shared = find_link(token)
    return _page(request, "shared/file.html", token=token, title=_title(shared.job), shared=shared)


@public
def shared_download(request: HttpRequest, token: str) -> HttpResponseBase:
    """The file, by the code of the API. A download that begins counts as a use of the link."""
    shared = find_link(token)
    try:
        return artifact_response(request, shared.artifact, record=partial(record_use, shared.link))
    except ProblemError as error:
        response = problem_response(request, error.status_code, error.problem_code, str(error.detail))
        for name, value in error.headers.items():
            response[name] = value
        return response


def _page(request: HttpRequest, template: str, *, status: int = 200, **context: object) -> HttpResponse:
    response = render(request, template, context, status=status)
    response["Cache-Control"] = "private, no-store"
    return response


def _title(job: Job) -> str:
    """The title of the job's type; its identifier if it no longer exists."""
    types = (registry.find(job.type) for registry in registries() if registry.kind == job.kind)
    return next((str(job_type.title) for job_type in types if job_type is not None), job.type)
