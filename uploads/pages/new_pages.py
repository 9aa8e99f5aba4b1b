"""The catalogue of upload types, and the form of each. Thin views."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import ValidationError

from jobs.models import Job
from jobs.numbers import separators
from jobs.pages.order_form import OrderForm, mistakes
from jobs.pages.order_pages import OrderPages
from jobs.pages.signed_in import SignedInRequest
from uploads.api.query import HeadingsQueryField
from uploads.mending import is_unwritten
from uploads.ordering import ORDERING, refuse_wrong_order
from uploads.pages.catalogue import show_type
from uploads.pages.form_body import ForgedFormError, keep_unparsed, received_form
from uploads.pages.options import Options
from uploads.pages.refusals import REFUSALS, Refused, refusal_of, sending_problems
from uploads.types import UPLOAD_TYPES, UploadType

#: The name of the buttons, and the value of the one that only checks.
CHECK_FIELD, CHECK = "dryRun", "true"
HEADINGS_FIELD = "headings"


class _WrongFieldsError(Exception):
    """The parameters of the type are not valid; `form` says why."""

    def __init__(self, form: OrderForm) -> None:
        super().__init__("the parameters are not valid")
        self.form = form


class NewUploadPages(OrderPages):
    """`/uploads/new`"""

    @csrf_exempt  # `received_form` checks the token: Django would read the whole file first
    def order(self, request: SignedInRequest) -> HttpResponse:
        """The types; with `?type=`, the form of a type; with `?like=` (an id), the form as that upload was ordered.

        `corrects=` (an id) uploads the mended rows of that upload.
        """
        if request.method == "POST":
            keep_unparsed(request)
        if like := request.GET.get("like"):
            job = self.mine(request, like)
            upload_type = self._upload_type(request, job.type)
            form = OrderForm.like(upload_type, job.payload)
            return self._form_page(request, upload_type, form, Options.of_payload(job.payload))
        if "type" not in request.GET:
            types = [show_type(one) for one in UPLOAD_TYPES.orderable_by(request.user)]
            return self.render(request, "uploads/types.html", types=types)
        upload_type = self._upload_type(request, request.GET["type"])
        if request.method == "POST":
            return self._take_file(request, upload_type)
        return self._form_page(request, upload_type, OrderForm.blank(upload_type), Options())

    def _take_file(self, request: SignedInRequest, upload_type: UploadType) -> HttpResponse:
        """Store the file and place the order. Whatever is refused, the form comes back with what was entered."""
        entered = QueryDict(mutable=True)

        def check(fields: QueryDict) -> None:
            for name, values in fields.lists():
                entered.setlist(name, values)
            Options.entered(fields)
            form = OrderForm.entered(upload_type, fields)
            if form.errors:
                raise _WrongFieldsError(form)
            refuse_wrong_order(_order(upload_type, form, fields), owner=request.user)

        try:
            with received_form(request, upload_type, check=check) as (writer, fields):
                form = OrderForm.entered(upload_type, fields)
                form.is_valid()
                data = _order(upload_type, form, fields)
                job = ORDERING.place_upload(owner=request.user, data=data, source=writer).job
        except ForgedFormError as error:
            return error.response
        except _WrongFieldsError as error:
            return self._form_page(request, upload_type, error.form, _options_of(entered), status=422)
        except REFUSALS as error:
            form = OrderForm.entered(upload_type, entered) if entered else OrderForm.blank(upload_type)
            refused = refusal_of(error, upload_type)
            return self._form_page(
                request, upload_type, form, _options_of(entered), status=refused.status, refused=refused
            )
        return HttpResponse(status=303, headers={"Location": reverse(self.names["detail"], args=[job.pk])})

    def _form_page(
        self,
        request: SignedInRequest,
        upload_type: UploadType,
        form: OrderForm,
        options: Options,
        *,
        status: int = 200,
        refused: Refused | None = None,
    ) -> HttpResponse:
        shown, corrected = show_type(upload_type), self._corrected(request)
        response = self.render(
            request,
            "uploads/new.html",
            status=status,
            shown=shown,
            fields=self.fields_of(upload_type, form) if shown.has_parameters else "",
            mistakes=mistakes(form) if hasattr(form, "initial_data") else [],
            options=options,
            refused=refused,
            corrected=corrected,
            corrected_is_unwritten=corrected is not None and is_unwritten(corrected),
            sending_problems=sending_problems(upload_type),
            separators=separators(),
        )
        if refused and refused.retry_after:
            response["Retry-After"] = str(refused.retry_after)
        return response

    def _corrected(self, request: SignedInRequest) -> Job | None:
        corrects = request.GET.get("corrects")
        return self.mine(request, corrects) if corrects else None

    def _upload_type(self, request: SignedInRequest, identifier: str) -> UploadType:
        upload_type = self.type_of(request, identifier)
        if not isinstance(upload_type, UploadType):
            raise Http404
        return upload_type


def _order(upload_type: UploadType, form: OrderForm, fields: QueryDict) -> dict[str, Any]:
    """The order without its file, from a valid form."""
    options = Options.entered(fields)
    return {
        "uploadType": upload_type.identifier,
        **form.order(),
        "csv": {**options.csv, **_headings(fields)},
        "mode": options.mode,
        "dryRun": fields.get(CHECK_FIELD) == CHECK,
        "corrects": fields.get("corrects") or None,
    }


def _headings(fields: QueryDict) -> dict[str, Any]:
    """The headings that were matched by hand, which only the script of the page sends. Raises ValidationError."""
    entered = fields.get(HEADINGS_FIELD)
    if not entered:
        return {}
    try:
        return {"headings": HeadingsQueryField().to_internal_value(entered)}
    except ValidationError as error:
        raise ValidationError({HEADINGS_FIELD: error.detail}) from None


def _options_of(entered: QueryDict) -> Options:
    try:
        return Options.entered(entered)
    except ValidationError:
        return Options()
