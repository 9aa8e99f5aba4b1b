"""The part of the form that describes a chosen file, before it is sent. A thin view."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.utils.translation import gettext
from rest_framework import serializers

from jobs.pages.kind_pages import KindPages
from jobs.pages.signed_in import SignedInRequest
from tabular.decoding import DECLARABLE
from tabular.dialect import DELIMITERS
from tabular.headings import normalize
from tabular.refusals import RecognitionError
from uploads.api.query import HeadingsQueryField
from uploads.pages.file_head import show_head
from uploads.recognizing import HEAD_BYTES, recognize_head
from uploads.remembering import remembered_headings
from uploads.row_codes import ROW_CODES
from uploads.types import UploadType

#: Media type of the bytes.
BYTES: Final = "application/octet-stream"


class _Asked(serializers.Serializer[Any]):
    """The query string. Empty: it is found out."""

    type = serializers.CharField(max_length=100)
    whole = serializers.ChoiceField(("true", "false"), default="false")
    encoding = serializers.ChoiceField(DECLARABLE, allow_blank=True, default="")
    delimiter = serializers.ChoiceField(DELIMITERS, allow_blank=True, default="")
    headings = HeadingsQueryField(default=dict)


class RecognizePages(KindPages):
    """`/uploads/recognize`"""

    def recognize(self, request: SignedInRequest) -> HttpResponse:
        """What the file seems to be whose first bytes are the body, as a part of the page.

        `X-Fragment` tells it from a whole page, such as that of an error.
        """
        if request.content_type != BYTES:
            return HttpResponse(status=415)
        if int(request.META.get("CONTENT_LENGTH") or 0) > HEAD_BYTES:
            return HttpResponse(status=413)
        asked = _Asked(data=request.GET.dict())
        if not asked.is_valid():
            raise BadRequest
        given = asked.validated_data
        upload_type = self.type_of(request, given["type"])
        if not isinstance(upload_type, UploadType):
            raise Http404
        context = _recognized(request, upload_type, given)
        response = self.render(request, "uploads/parts/recognized.html", **context)
        response["X-Fragment"] = "1"
        return response


def _recognized(request: SignedInRequest, upload_type: UploadType, given: dict[str, Any]) -> dict[str, Any]:
    """What the fragment shows: `shown`, or `refused`, which says why, and its `known` cause."""
    remembered = remembered_headings(request.user, upload_type.identifier)
    now = {normalize(heading): column for heading, column in given["headings"].items()}
    try:
        head = recognize_head(
            upload_type,
            request.body,
            is_whole=given["whole"] == "true",
            headings={**remembered, **now},
            encoding=given["encoding"] or None,
            delimiter=given["delimiter"] or None,
        )
    except RecognitionError as error:
        return {"refused": error.detail.said(gettext), "known": ROW_CODES.get(error.code)}
    return {"shown": show_head(head, upload_type, remembered)}
