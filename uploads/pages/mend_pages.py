"""The page on which rejected rows are mended. Thin views."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext
from rest_framework.exceptions import ValidationError

from jobs.errors import AdmissionError, ArtifactError, StorageUnavailableError
from jobs.files.artifacts import ArtifactWriter
from jobs.models import Artifact, Job
from jobs.pages.kind_pages import KindPages
from jobs.pages.signed_in import SignedInRequest
from jobs.payloads.sealing import unseal
from jobs.status import has_ended, is_available
from uploads.api.receiving import stored_source, storing
from uploads.mending import is_unwritten, mended_name
from uploads.ordering import ORDERING
from uploads.pages.mend_edits import Edits, UnencodableCellError, mended_bytes, mended_rows, pages_of, text_of_cell
from uploads.pages.mend_file import RejectedFile, RejectedRow, can_be_mended, read_rejected
from uploads.pages.new_pages import CHECK, CHECK_FIELD
from uploads.pages.outcomes import changed_rows
from uploads.pages.refusals import Refused, refusal_of
from uploads.repeating import NotRepeatableError, Repetition, continued_by, repeat_upload, sources_of
from uploads.types import UPLOAD_TYPES, UploadType

#: The names of the buttons that turn the page, and of the hidden fields. WHOLE says what the page has promised.
TURN, EDITS, PAGE, WHOLE = "turn", "edits", "page", "whole"


@dataclass(frozen=True)
class ShownCell:
    """An input. `name` is also its id; a hidden one does not show its value."""

    name: str
    heading: str
    text: str
    errors: Sequence[str]
    is_hidden: bool

    @property
    def has_lines(self) -> bool:
        return "\n" in self.text or "\r" in self.text


@dataclass(frozen=True)
class ShownRow:
    """A row of the table."""

    row: RejectedRow
    cells: list[ShownCell]
    is_left_out: bool


@dataclass(frozen=True)
class Unwritten:
    """Why rows beside the rejected ones must be written: the upload has written none of its `rows` good ones.

    `is_stored`: its file still is, so the whole file is uploaded; otherwise `continued_by` may have it.
    """

    rows: int
    is_stored: bool
    continued_by: UUID | None


class MendPages(KindPages):
    """`/uploads/{id}/mend`"""

    def mend(self, request: SignedInRequest, job_id: str) -> HttpResponseBase:
        """The rejected rows as a form. Its buttons turn the page, check the rows, or upload them.

        If the upload has written nothing, its whole file is uploaded with the mended rows in it.
        """
        job = self.mine(request, job_id)
        upload_type = self.type_of(request, job.type)
        file = _rejected_rows(job)
        pages = pages_of(file)
        if request.method != "POST" or not isinstance(upload_type, UploadType):
            return self._mend_page(request, job, file, pages, Edits(), 0)
        edits = Edits.kept(request.POST.get(EDITS, ""), file)
        page = _number(request.POST.get(PAGE), pages)
        edits.take(request.POST.dict(), file, pages[page])
        if TURN in request.POST:
            return self._mend_page(request, job, file, pages, edits, _number(request.POST[TURN], pages))
        try:
            new = _place(request, job, upload_type, file, edits)
        except UnencodableCellError as error:
            page = next(index for index, rows in enumerate(pages) if file.rows[error.place[0]] in rows)
            return self._mend_page(request, job, file, pages, edits, page, status=422, wrong=error)
        except NotRepeatableError as error:
            refused = Refused(str(error), 409)
            return self._mend_page(request, job, file, pages, edits, page, status=409, refused=refused)
        except (AdmissionError, ValidationError, ArtifactError, StorageUnavailableError) as error:
            refused = refusal_of(error, upload_type)
            return self._mend_page(request, job, file, pages, edits, page, status=refused.status, refused=refused)
        return redirect(self.names["detail"], new.pk)

    def _mend_page(
        self,
        request: SignedInRequest,
        job: Job,
        file: RejectedFile,
        pages: list[Sequence[RejectedRow]],
        edits: Edits,
        page: int,
        *,
        status: int = 200,
        refused: Refused | None = None,
        wrong: UnencodableCellError | None = None,
    ) -> HttpResponse:
        return self.render(
            request,
            "uploads/mend.html",
            status=status,
            job=job,
            title=title_of(job),
            file=file,
            rows=[_shown_row(file, row, edits, wrong) for row in pages[page]],
            edits=edits.as_text(),
            page=page,
            pages=len(pages),
            previous=page - 1 if page else None,
            next=page + 1 if page + 1 < len(pages) else None,
            unwritten=_unwritten(job),
            refused=refused,
            wrong=wrong,
        )


def _rejected_rows(job: Job) -> RejectedFile:
    """Raises Http404 if there are none that can be mended here."""
    errors = Artifact.objects.filter(job=job, role=Artifact.Role.ERRORS, published_at__isnull=False).first()
    if errors is None or not has_ended(job) or not is_available(errors) or not can_be_mended(errors):
        raise Http404
    try:
        return read_rejected(job, errors)
    except ArtifactError:
        raise Http404 from None


def _place(request: SignedInRequest, job: Job, upload_type: UploadType, file: RejectedFile, edits: Edits) -> Job:
    """Order the upload that corrects the first one: of its whole file, or of a file of the mended rows."""
    unwritten = _unwritten(job)
    if WHOLE in request.POST or (unwritten and unwritten.is_stored):
        repetition = Repetition(
            dry_run=request.POST.get(CHECK_FIELD) == CHECK,
            csv={"encoding": file.encoding, "delimiter": file.delimiter},
            mended=mended_rows(file, edits),
        )
        return repeat_upload(owner=request.user, upload=job, repetition=repetition)
    pieces = list(mended_bytes(file, edits))
    with stored_source(upload_type, lambda writer: _fill(writer, job, pieces)) as writer:
        data: dict[str, Any] = {
            "uploadType": job.type,
            "parameters": unseal(job.payload["parameters"]),
            "csv": {"encoding": file.encoding, "delimiter": file.delimiter},
            "mode": job.payload["mode"],
            "dryRun": request.POST.get(CHECK_FIELD) == CHECK,
            "corrects": str(job.pk),
        }
        return ORDERING.place_upload(owner=request.user, data=data, source=writer).job


def _fill(writer: ArtifactWriter, job: Job, pieces: list[bytes]) -> None:
    writer.filename = mended_name(job)
    with storing():
        for piece in pieces:
            writer.write(piece)


def title_of(job: Job) -> str:
    """The title of the type of an upload."""
    upload_type = UPLOAD_TYPES.find(job.type)
    return str(upload_type.title) if upload_type else job.type


def _unwritten(job: Job) -> Unwritten | None:
    """None if the good rows of the file are in the table, so that only the rejected ones are missing."""
    if not is_unwritten(job):
        return None
    is_stored = sources_of(job.pk).exists()
    return Unwritten(changed_rows((job.result or {})["upload"]), is_stored, None if is_stored else continued_by(job))


def _shown_row(file: RejectedFile, row: RejectedRow, edits: Edits, wrong: UnencodableCellError | None) -> ShownRow:
    return ShownRow(row, list(_shown_cells(file, row, edits, wrong)), row.number in edits.left_out)


def _shown_cells(
    file: RejectedFile, row: RejectedRow, edits: Edits, wrong: UnencodableCellError | None
) -> Iterator[ShownCell]:
    for column in range(max(len(file.headings), len(row.cells))):
        place = row.number, column
        errors = list(row.of_cells.get(column, ()))
        if wrong and wrong.place == place:
            lacks = gettext("The encoding of the file, %(encoding)s, does not have the character “%(character)s”.")
            errors.append(lacks % {"encoding": file.encoding, "character": wrong.character})
        is_hidden = column in file.hidden
        shown = edits.cells.get(place, "" if is_hidden else text_of_cell(row, column))
        heading = file.headings[column] if column < len(file.headings) else gettext("Surplus cell")
        yield ShownCell(f"cell-{row.number}-{column}", heading, shown, errors, is_hidden)


def _number(text: str | None, pages: Sequence[Any]) -> int:
    """A number of a page; the first one if it is not valid."""
    number = int(text) if text and text.isascii() and text.isdigit() and len(text) < 5 else 0
    return number if number < len(pages) else 0
