"""The plain form of a page with a file: its fields are checked before the file, and the file goes to the storage.

Django's CSRF check would parse the body, and write the file to a temporary one, before the view is called. So the view
is exempt, and the token, which is the first field of the form, is checked here when the file begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse, QueryDict
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.datastructures import MultiValueDict

from jobs.dispatch.admission import refuse_early
from jobs.files.artifacts import ArtifactWriter
from jobs.pages.signed_in import SignedInRequest
from uploads.api.multipart import FormFields
from uploads.api.places import receiving_place
from uploads.api.receiving import announced, received_file
from uploads.ordering import KIND
from uploads.types import UPLOAD_TYPES, UploadType


class ForgedFormError(Exception):
    """The form has no valid CSRF token. `response` is the page that says so."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__("the form has no valid CSRF token")
        self.response = response


@contextmanager
def received_form(
    request: SignedInRequest, upload_type: UploadType, *, check: Callable[[QueryDict], None]
) -> Iterator[tuple[ArtifactWriter, QueryDict]]:
    """The stored file and all fields of a form, whose view is `csrf_exempt`. Unless its row exists after the block, the
    file is deleted.

    `check` gets the fields that come before the file, and may raise. Raises ForgedFormError, AdmissionError, and the
    errors of `announced`, `receiving_place` and `received_file`.
    """
    keep_unparsed(request)
    known = announced(request, upload_type)
    queue = UPLOAD_TYPES.queue_of(upload_type)
    refuse_early(queue=queue, kind=KIND, type=upload_type.identifier, owner=request.user)

    def check_all(fields: QueryDict) -> None:
        _require_token(request, fields)
        check(fields)
        _let_session_go()

    form = FormFields(check_all)
    source = received_file(request, known, upload_type, form=form)
    _let_session_go()
    with receiving_place(request.user), source as writer:
        yield writer, form.values


def _let_session_go() -> None:
    """No session of PostgreSQL waits for the file, and the loss of one does not lose the file."""
    if not connection.in_atomic_block:
        connection.close()


def keep_unparsed(request: Any) -> None:
    """Keep everything else, such as a template, from reading the body as a form."""
    request._post, request._files = QueryDict(), MultiValueDict()


def _require_token(request: Any, fields: QueryDict) -> None:
    request._post = fields
    try:
        refusal = CsrfViewMiddleware(_unreachable).process_view(request, _unreachable, (), {})
    finally:
        keep_unparsed(request)
    if refusal is not None:
        raise ForgedFormError(refusal)


def _unreachable(request: HttpRequest) -> HttpResponse:
    raise AssertionError("the check of the token calls no view")
