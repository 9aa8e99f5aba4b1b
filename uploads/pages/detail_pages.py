"""The page of one upload, and what its buttons do: confirm, check again, undo. Thin views."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext
from rest_framework.exceptions import ValidationError

from jobs.api.problems import refusal_problem
from jobs.errors import AdmissionError
from jobs.models import Job
from jobs.pages.detail_pages import DetailPages
from jobs.pages.refusal import Refusal
from jobs.pages.signed_in import SignedInRequest
from jobs.types.registry import UnknownTypeError
from uploads.pages.describing import ShownUpload, show_upload
from uploads.pages.new_pages import CHECK, CHECK_FIELD
from uploads.pages.options import Options
from uploads.repeating import NotRepeatableError, Repetition, repeat_upload
from uploads.undo.ordering import UndoRefusedError, place_undo


class UploadDetailPages(DetailPages):
    """`/uploads/{id}` and the actions below it."""

    def detail(
        self,
        request: SignedInRequest,
        job_id: str,
        *,
        status: int = 200,
        refused: Refusal | None = None,
        **extra: Any,
    ) -> HttpResponse:
        """One upload."""
        upload = self._upload(request, job_id)
        return self.render(request, "uploads/detail.html", status=status, upload=upload, refusal=refused, **extra)

    def detail_live(self, request: SignedInRequest, job_id: str) -> HttpResponse:
        """The part of the page that refreshes itself while the upload is active."""
        return self.render(request, "uploads/detail_body.html", upload=self._upload(request, job_id))

    def confirm(self, request: SignedInRequest, job_id: str) -> HttpResponseBase:
        """Carry out the plan of a dry run: its good rows, if some have errors."""
        job = self.mine(request, job_id)
        has_errors = ((job.result or {}).get("upload") or {}).get("rowsFailed", 0) > 0
        mode = "partial" if has_errors else None
        return self._repeat(request, job, Repetition(dry_run=False, mode=mode, confirms=True))

    def again(self, request: SignedInRequest, job_id: str) -> HttpResponseBase:
        """Check or upload the stored file again, and read it as the form says."""
        job = self.mine(request, job_id)
        try:
            options = Options.entered({**vars(Options.of_payload(job.payload)), **request.POST.dict()})
        except ValidationError:
            wrong = Refusal(gettext("Nothing was uploaded"), gettext("The form has a value that is not a choice."))
            return self.detail(request, job_id, status=422, refused=wrong)
        is_check = request.POST.get(CHECK_FIELD) == CHECK
        return self._repeat(request, job, Repetition(dry_run=is_check, mode=options.mode, csv=options.csv))

    def undo(self, request: SignedInRequest, job_id: str) -> HttpResponseBase:
        """The question whether to undo an upload, and the answer."""
        if request.method != "POST":
            upload = self._upload(request, job_id)
            status = 200 if upload.can_undo else 409
            return self.render(request, "uploads/undo.html", status=status, upload=upload)
        job = self.mine(request, job_id)
        heading = gettext("The upload was not undone")
        try:
            undo = place_undo(owner=request.user, upload=job).job
        except UndoRefusedError as error:
            if error.undone_by:
                return redirect(self.names["detail"], error.undone_by)  # a second click
            return self.detail(request, job_id, status=409, refused=Refusal(heading, _why_not_undone(error)))
        except (AdmissionError, UnknownTypeError) as error:
            return self._not_admitted(request, job_id, heading, error)
        return redirect(self.names["detail"], undo.pk)

    def _repeat(self, request: SignedInRequest, job: Job, repetition: Repetition) -> HttpResponseBase:
        heading = gettext("Nothing was uploaded")
        try:
            new = repeat_upload(owner=request.user, upload=job, repetition=repetition)
        except NotRepeatableError as error:
            if error.continued_by:
                return redirect(self.names["detail"], error.continued_by)  # a second click
            return self.detail(request, str(job.pk), status=409, refused=Refusal(heading, str(error)))
        except (AdmissionError, UnknownTypeError) as error:
            return self._not_admitted(request, str(job.pk), heading, error)
        return redirect(self.names["detail"], new.pk)

    def _not_admitted(
        self, request: SignedInRequest, job_id: str, heading: str, error: AdmissionError | UnknownTypeError
    ) -> HttpResponse:
        if isinstance(error, UnknownTypeError):
            reason, status = gettext("You may no longer upload files of this type. Ask your administrator."), 403
        else:
            reason = gettext("Too many jobs are waiting at the moment. Try again later.")
            status = refusal_problem(error).status_code
        return self.detail(request, job_id, status=status, refused=Refusal(heading, reason))

    def _upload(self, request: SignedInRequest, job_id: str) -> ShownUpload:
        return show_upload(self._context(request, job_id)["shown"])


def _why_not_undone(error: UndoRefusedError) -> str:
    match error.code:
        case "not-complete":
            return gettext("Only an upload that is complete can be undone.")
        case "nothing-to-undo":
            return gettext("The upload has written no row.")
        case "expired":
            return gettext("The old values of the rows have expired.")
    return gettext("The old values of the rows were not kept.")
