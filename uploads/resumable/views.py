"""`/api/uploads/resumable`: the requests of tus."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from uploads.api.places import receiving_place
from uploads.api.receiving import stored_filename, too_large
from uploads.api.resource import UPLOADS
from uploads.models import ResumableUpload
from uploads.ordering import refuse_wrong_order
from uploads.resumable.base_view import (
    TusView,
    answering_problems,
    body_length,
    described,
    no_content,
    refuse_if_full,
    require_chunk,
)
from uploads.resumable.claiming import create_upload, find_upload, remove_upload, take_over
from uploads.resumable.errors import OvertakenError, WrongOffsetError
from uploads.resumable.fields import invalid_field, read_number
from uploads.resumable.metadata import FIELD, FILENAME, order_of, read_metadata
from uploads.resumable.parts import delete_files
from uploads.resumable.schema import CREATE, DELETE, HEAD, OPTIONS, PATCH
from uploads.types import UploadType


class ResumableListView(TusView):
    """`/api/uploads/resumable`"""

    resource = UPLOADS
    acts: ClassVar = {"POST": "write"}
    documented_methods = ("OPTIONS",)

    @extend_schema(operation_id="describeResumableUploads", **OPTIONS)
    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """What the server can do, for clients of tus."""
        return super().options(request, *args, **kwargs)

    @extend_schema(**CREATE)
    def post(self, request: Request) -> Response:
        """Begin a resumable upload, by tus 1.0. Its first bytes may be the body."""
        if "Upload-Defer-Length" in request.headers:
            raise invalid_field("Upload-Defer-Length", "The length must be known: send Upload-Length.")
        length = read_number(request.headers, "Upload-Length")
        header = request.headers.get(FIELD, "")
        metadata = read_metadata(header)
        order = order_of(metadata)
        upload_type = self.type_of(request, order)
        if length > upload_type.max_bytes:
            raise too_large(upload_type)
        if body_length(request):
            require_chunk(request, at=0, of=length)
        refuse_wrong_order(order, owner=request.user)  # type: ignore[arg-type]
        refuse_if_full(request, upload_type)
        with answering_problems():
            upload = create_upload(
                owner=request.user,  # type: ignore[arg-type]
                length_bytes=length,
                order=order,
                filename=stored_filename(metadata.get(FILENAME, ""), upload_type),
                metadata=header,
            )
            if body_length(request) or length == 0:
                self._receive_first(request, upload, upload_type)
        return self._created(request, upload)

    def _receive_first(self, request: Request, upload: ResumableUpload, upload_type: UploadType) -> None:
        """Receive a body. If that fails, nothing is kept: the client does not know the address of the upload yet."""
        try:
            with receiving_place(request.user):  # type: ignore[arg-type]
                self.receive(request, upload, upload_type)
        except BaseException:
            delete_files(remove_upload(upload))
            raise

    def _created(self, request: Request, upload: ResumableUpload) -> Response:
        url = reverse("resumable-upload", args=[upload.pk])
        fields = described(upload)
        body = {"id": str(upload.pk), "uploadURL": url, "offset": upload.offset_bytes, "length": upload.length_bytes}
        if status := fields.pop("Location", None):
            body["statusURL"] = status
        return Response(body, status=201, headers={**fields, "Location": url})


class ResumableView(TusView):
    """`/api/uploads/resumable/{id}`"""

    resource = UPLOADS
    acts: ClassVar = {"GET": "write", "PATCH": "write", "DELETE": "write"}
    documented_methods = ("HEAD",)

    @extend_schema(**HEAD)
    def head(self, request: Request, upload_id: str, **kwargs: Any) -> HttpResponse:
        """How far the upload is. Whoever was sending bytes of it stops, so that this stays true."""
        upload = find_upload(request.user, upload_id)  # type: ignore[arg-type]
        if not upload.job_id:
            with answering_problems():
                try:
                    upload = take_over(upload)
                except (WrongOffsetError, OvertakenError):  # it was finished or deleted just now
                    upload = find_upload(request.user, upload_id)  # type: ignore[arg-type]
        fields = {**described(upload), "Upload-Length": str(upload.length_bytes), "Cache-Control": "no-store"}
        if upload.metadata:
            fields[FIELD] = upload.metadata
        return no_content(fields, status=200)

    @extend_schema(**PATCH)
    def patch(self, request: Request, upload_id: str) -> HttpResponse:
        """Append bytes to a resumable upload. The last one completes it, and `Location` is its status."""
        offset = read_number(request.headers, "Upload-Offset")
        upload = find_upload(request.user, upload_id)  # type: ignore[arg-type]
        require_chunk(request, at=offset, of=max(offset, upload.length_bytes))
        with answering_problems():
            if offset != upload.offset_bytes:
                raise WrongOffsetError(upload.offset_bytes)
            if not upload.job_id:
                upload = self._append(request, upload)
        return no_content(described(upload))

    def _append(self, request: Request, upload: ResumableUpload) -> ResumableUpload:
        upload_type = self.type_of(request, upload.order)
        at = upload.offset_bytes
        if at == 0 or at + body_length(request) == upload.length_bytes:
            refuse_if_full(request, upload_type)
        with receiving_place(request.user):  # type: ignore[arg-type]
            upload = take_over(upload, offset=at)
            self.receive(request, upload, upload_type)
        return upload

    @extend_schema(**DELETE)
    def delete(self, request: Request, upload_id: str) -> HttpResponse:
        """Delete a resumable upload with its bytes. If it was complete, the upload that it has become stays."""
        delete_files(remove_upload(find_upload(request.user, upload_id)))  # type: ignore[arg-type]
        return no_content({})
