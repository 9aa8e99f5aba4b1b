"""The page on which the headings of a stored file are matched to the columns of its type. Thin views."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponseBase, QueryDict
from django.utils.translation import gettext

from jobs.errors import ArtifactError, StorageUnavailableError
from jobs.files.artifacts import open_artifact_range
from jobs.models import Artifact, Job
from jobs.pages.refusal import Refusal
from jobs.pages.signed_in import SignedInRequest
from jobs.status import has_ended
from tabular.headings import normalize
from tabular.refusals import RecognitionError
from uploads.errors import FileError
from uploads.headings import MOST_HEADINGS, Headings
from uploads.pages.detail_pages import UploadDetailPages
from uploads.pages.file_head import ShownHead, show_head
from uploads.pages.mend_pages import title_of
from uploads.pages.new_pages import CHECK, CHECK_FIELD
from uploads.recognizing import HEAD_BYTES, FileHead, recognize_head
from uploads.remembering import remembered_headings
from uploads.repeating import Repetition, sources_of
from uploads.row_codes import ROW_CODES, message_for
from uploads.types import UploadType


class MatchPages(UploadDetailPages):
    """`/uploads/{id}/columns`"""

    def match(self, request: SignedInRequest, job_id: str) -> HttpResponseBase:
        """The columns of the stored file as a form. It sends the file again, with the chosen headings."""
        job = self.mine(request, job_id)
        upload_type = self.type_of(request, job.type)
        source = sources_of(job.pk).first()
        if source is None or not has_ended(job) or not isinstance(upload_type, UploadType):
            raise Http404
        remembered = remembered_headings(request.user, upload_type.identifier)
        file = _StoredFile(job, upload_type, remembered)
        try:
            head = _head_of(source)
            found = file.recognized(head, is_whole=len(head) == source.size_bytes)
        except (ArtifactError, StorageUnavailableError):
            reason = gettext("The stored file cannot be read at the moment. Try again in a few minutes.")
            return self.detail(request, job_id, status=503, refused=Refusal(gettext("Nothing was uploaded"), reason))
        except FileError as error:
            heading = str(ROW_CODES[error.code].title) if error.code in ROW_CODES else gettext("Nothing was uploaded")
            return self.detail(request, job_id, status=409, refused=Refusal(heading, str(error)))
        if request.method == "POST":
            chosen = _chosen(request.POST, file.shown(found))
            found = file.recognized(head, is_whole=len(head) == source.size_bytes, chosen=chosen, like=found)
            if found.is_matched:
                csv = {"delimiter": found.delimiter, "headings": file.shown(found).chosen}
                is_check = request.POST.get(CHECK_FIELD) == CHECK
                return self._repeat(request, job, Repetition(dry_run=is_check, csv=csv))
        context: dict[str, Any] = {"job": job, "title": title_of(job), "shown": file.shown(found)}
        is_wrong = request.method == "POST"
        return self.render(request, "uploads/match.html", status=422 if is_wrong else 200, is_wrong=is_wrong, **context)


class _StoredFile:
    """The beginning of a stored file, as its order reads it."""

    def __init__(self, job: Job, upload_type: UploadType, remembered: Headings) -> None:
        self._csv: dict[str, Any] = job.payload["csv"]
        self._type = upload_type
        self._remembered = remembered

    def recognized(
        self, head: bytes, *, is_whole: bool, chosen: Headings | None = None, like: FileHead | None = None
    ) -> FileHead:
        """`chosen` counts more than what was ordered, and that more than what is remembered.

        Another choice does not change the delimiter of the columns that were shown (`like`). Raises FileError.
        """
        ordered = self._csv.get("headings") or {}
        known = {normalize(heading): column for heading, column in {**ordered, **(chosen or {})}.items()}
        try:
            found = recognize_head(
                self._type,
                head,
                is_whole=is_whole,
                headings={**self._remembered, **known},
                encoding=self._csv["encoding"],
                delimiter=like.delimiter if like else self._csv["delimiter"],
            )
        except RecognitionError as error:
            raise FileError(error.code, error.detail.said(gettext)) from None
        if len(found.columns) > MOST_HEADINGS:
            facts: dict[str, Any] = {"columns": f"{len(found.columns):,}", "limit": MOST_HEADINGS}
            raise FileError("too-many-columns", message_for("too-many-columns", **facts))
        return found

    def shown(self, found: FileHead) -> ShownHead:
        return show_head(found, self._type, self._remembered)


def _head_of(source: Artifact) -> bytes:
    """Raises ArtifactError and StorageUnavailableError."""
    if not source.size_bytes:
        return b""
    with closing(open_artifact_range(source, first=0, last=min(source.size_bytes, HEAD_BYTES) - 1)) as stored:
        return b"".join(stored)


def _chosen(posted: QueryDict, shown: ShownHead) -> dict[str, str | None]:
    """Heading → the column that the form has for it; None: it is ignored. Raises BadRequest for another one."""
    chosen: dict[str, str | None] = {}
    for index, match in enumerate(shown.matches):
        column = posted.get(f"column-{index}", match.column.column)
        if column and column not in shown.columns:
            raise BadRequest("The form has a column that the upload type does not have.")
        if match.column.name:
            chosen[match.column.name] = column or None
    return chosen
