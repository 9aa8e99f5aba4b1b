"""Why a file was not accepted, in the words of the form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, UnsupportedMediaType, ValidationError

from jobs.api.problems import refusal_problem
from jobs.errors import AdmissionError, ArtifactError, StorageUnavailableError
from jobs.http.parsers import BodyTooLargeError, RequestTimeoutError
from jobs.http.problems import ProblemError
from jobs.joining import join_sentences
from jobs.pages.tags import size
from uploads.api.multipart import FIELD
from uploads.types import UploadType

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

#: What the form does not accept, but tells the user.
REFUSALS: Final = (AdmissionError, APIException, ArtifactError, StorageUnavailableError)
#: Code of a problem → sentence.
_SENTENCES: Final[Mapping[str, _StrOrPromise]] = {
    "too-many-uploads": _("The server is receiving as many files as it can at once. Try again in a few seconds."),
    "incomplete-body": _("The connection ended before the whole file had arrived."),
    "owner-queue-full": _("You have as many jobs waiting as you may have. Wait until one of them has ended."),
    "queue-full": _(
        "No uploads are accepted at the moment. Too many are waiting, or an operator has closed the queue."
    ),
}
#: The same for what only the script of the page meets.
_WHILE_SENDING: Final[Mapping[str, _StrOrPromise]] = {
    "too-many-resumable-uploads": _("You have too many unfinished uploads. Finish one of them, or discard it."),
    "not-authenticated": _(
        "You are not signed in any more. Reload the page, sign in, and choose the file again: the upload goes on where "
        "it stopped."
    ),
    "another-tab": _("The same file is being uploaded in another tab of this browser."),
    "unreachable": _("The server cannot be reached. What was sent is kept: go on when you have a connection."),
    "unknown": _("The server has refused the file."),
}


@dataclass(frozen=True)
class Refused:
    """The message above the form, and how the page is answered. `retry_after` is in seconds."""

    message: str
    status: int
    retry_after: int | None = None


def refusal_of(error: Exception, upload_type: UploadType) -> Refused:
    """The message for one of `REFUSALS`."""
    match error:
        case AdmissionError():
            return _of_problem(refusal_problem(error))
        case ProblemError():
            return _of_problem(error)
        case BodyTooLargeError():
            return Refused(_too_large(upload_type), 413)
        case RequestTimeoutError():
            return Refused(gettext("The file arrived too slowly, so the server stopped waiting for it."), 408)
        case ValidationError() if isinstance(error.detail, dict) and FIELD in error.detail:
            return Refused(gettext("Choose a file."), 422)
        case ValidationError():
            return Refused(join_sentences(*_texts(error.detail)), 422)
        case UnsupportedMediaType():
            return Refused(gettext("Choose a file."), 415)
        case APIException():
            return Refused(gettext("Your browser sent a form that the server does not understand."), error.status_code)
    return Refused(gettext("The file could not be stored. Try again in a few minutes."), 503)


def sending_problems(upload_type: UploadType) -> str:
    """JSON: code of a problem → sentence, for the script that sends the file."""
    sentences = {code: str(sentence) for code, sentence in {**_SENTENCES, **_WHILE_SENDING}.items()}
    return json.dumps({**sentences, "body-too-large": _too_large(upload_type)}, ensure_ascii=False)


def _too_large(upload_type: UploadType) -> str:
    limit = {"limit": size(upload_type.max_bytes)}
    return gettext("The file is larger than %(limit)s, which is the limit.") % limit


def _of_problem(problem: ProblemError) -> Refused:
    sentence = _SENTENCES.get(problem.problem_code, str(problem.detail))
    return Refused(str(sentence), problem.status_code, problem.retry_after)


def _texts(detail: object) -> list[str]:
    if isinstance(detail, dict):
        return [text for part in detail.values() for text in _texts(part)]
    if isinstance(detail, list):
        return [text for part in detail for text in _texts(part)]
    return [str(detail)]
