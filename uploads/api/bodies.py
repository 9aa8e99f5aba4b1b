"""Serializers that document the bodies of uploads in the schema, and the members that they add."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from jobs.api.resources.bodies import JobStatus, Ordered, TypeBody
from jobs.models import Job
from jobs.payloads.masking import MASK, is_sensitive
from jobs.states import State
from uploads.api.corrections import Correction, CorrectionProgress
from uploads.types import UPLOAD_TYPES, UploadType

PHASES: Final = ("received", "recognized", "staged", "validated", "planned", "merged")
#: The members that come as the pipeline has written them. Missing ones are left out.
FROM_PIPELINE: Final = (
    "phase", "bytesRead", "rowsTotal", "rowsInserted", "rowsUpdated", "rowsUnchanged", "rowsFailed", "rowsBlank",
    "encoding", "encodingSource", "encodingReason", "delimiter", "headings", "unknownColumns",
    "errorGroups", "errorsPreview", "planDigest", "samples",
    "rowsReversed", "rowsRestored", "rowsDeleted", "rowsKept", "keptGroups",
)  # fmt: skip
#: Why an undo keeps a row; `uploads.undo.planning` explains them.
KEPT_REASONS: Final = ("gone", "not-found", "changed-since", "key-taken", "referenced", "refused")
SUCCEEDED: Final = ("rowsInserted", "rowsUpdated", "rowsUnchanged")


class UploadWarning(serializers.Serializer[Any]):
    """Something about the file that is worth a look, but no error."""

    code = serializers.CharField()
    detail = serializers.CharField()


class ErrorGroup(serializers.Serializer[Any]):
    """All errors of one code in one column."""

    code = serializers.CharField()
    column = serializers.CharField(allow_null=True)
    count = serializers.IntegerField()
    firstLines = serializers.ListField(child=serializers.IntegerField())


class RowErrorBody(serializers.Serializer[Any]):
    """One error, and where it is in the file."""

    line = serializers.IntegerField(help_text="as an editor counts; the first is 1")
    endLine = serializers.IntegerField()
    record = serializers.IntegerField(help_text="row, without the heading; the first is 1")
    byte = serializers.IntegerField(help_text="offset of the row")
    column = serializers.CharField(allow_null=True)
    code = serializers.CharField()
    message = serializers.CharField()
    value = serializers.CharField(allow_null=True)


class Sample(serializers.Serializer[Any]):
    """A row that would be written, by field of the table."""

    record = serializers.IntegerField()
    action = serializers.ChoiceField(choices=("insert", "update"))
    before = serializers.DictField(required=False, help_text="the fields that change, as they are")
    after = serializers.DictField(help_text="the same fields as they become; all fields of a new row")


class KeptGroup(serializers.Serializer[Any]):
    """All rows that an undo has kept for one reason."""

    code = serializers.ChoiceField(choices=KEPT_REASONS)
    count = serializers.IntegerField()


class UploadStatus(JobStatus):
    """The status of an upload. Members that do not apply, or are not known, are left out."""

    phase = serializers.ChoiceField(choices=PHASES, required=False)
    bytesRead = serializers.IntegerField(required=False)
    rowsInserted = serializers.IntegerField(required=False)
    rowsUpdated = serializers.IntegerField(required=False)
    rowsUnchanged = serializers.IntegerField(required=False)
    rowsFailed = serializers.IntegerField(required=False)
    rowsBlank = serializers.IntegerField(required=False)
    rowsSucceeded = serializers.IntegerField(required=False, help_text="inserted, updated and unchanged rows")
    encodingSource = serializers.CharField(required=False, help_text="how the encoding was found")
    encodingReason = serializers.CharField(required=False, help_text="the same in a sentence")
    delimiter = serializers.CharField(required=False)
    headings = serializers.ListField(child=serializers.CharField(allow_blank=True), required=False)
    unknownColumns = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="headings that the type does not know, ignored",
    )
    warnings = UploadWarning(many=True, required=False)
    errorGroups = ErrorGroup(many=True, required=False)
    errorsPreview = RowErrorBody(many=True, required=False, help_text="the first hundred")
    errorReportURL = serializers.CharField(required=False, help_text="the rejected rows as a file")
    resultsURL = serializers.CharField(required=False, help_text="what became of each row, as a file")
    samples = Sample(many=True, required=False, help_text="of a dry run: the first rows that change something")
    corrects = serializers.UUIDField(
        required=False, allow_null=True, help_text="the upload whose rejected rows this one contains, corrected"
    )
    correctedBy = Correction(
        many=True, required=False, help_text="the uploads that correct rejected rows of this one, newest first"
    )
    correctionProgress = CorrectionProgress(required=False)
    undoURL = serializers.CharField(required=False, help_text="send POST to undo it; as long as that is possible")
    undoneBy = serializers.UUIDField(required=False, help_text="the upload that undoes it, or has undone it")
    undoes = serializers.UUIDField(required=False, allow_null=True, help_text="of an undo: the upload that is undone")
    rowsReversed = serializers.IntegerField(required=False, help_text="of an undo: restored and deleted rows")
    rowsRestored = serializers.IntegerField(required=False)
    rowsDeleted = serializers.IntegerField(required=False)
    rowsKept = serializers.IntegerField(required=False, help_text="of an undo: rows that stay as they are")
    keptGroups = KeptGroup(many=True, required=False)
    planDigest = serializers.CharField(required=False, help_text="of a dry run; send it as `plan`")


class UploadedFile(serializers.Serializer[Any]):
    """The file that was received."""

    filename = serializers.CharField()
    sizeBytes = serializers.IntegerField()
    sha256 = serializers.CharField()


class DeclaredFormat(serializers.Serializer[Any]):
    """What the client declared about the file."""

    encoding = serializers.CharField(allow_null=True)
    delimiter = serializers.CharField(allow_null=True)
    headings = serializers.DictField(
        child=serializers.CharField(allow_null=True),
        required=False,
        help_text="heading in the file → column of the type",
    )


class OrderedUpload(Ordered):
    """The order, as the detail shows it."""

    file = UploadedFile()
    csv = DeclaredFormat()
    mode = serializers.CharField()
    dryRun = serializers.BooleanField()
    plan = serializers.CharField(allow_null=True)
    corrects = serializers.CharField(allow_null=True)
    repeats = serializers.CharField(allow_null=True, help_text="an earlier upload of the same bytes")
    undoes = serializers.CharField(allow_null=True, help_text="the upload that this one undoes")
    continues = serializers.CharField(
        allow_null=True, help_text="the upload, such as a dry run, whose stored file this one has taken over"
    )


class UploadTypeMembers(TypeBody):
    """The limits of an upload type, and what its files look like."""

    mode = serializers.ChoiceField(choices=("insert", "update", "upsert"), help_text="what may happen to rows")
    maxBytes = serializers.IntegerField()
    maxRows = serializers.IntegerField()
    row = serializers.DictField(help_text="JSON Schema (2020-12) of a row, by heading")
    tableSchema = serializers.DictField(help_text="Table Schema (Frictionless) of the file")
    templateURL = serializers.CharField(help_text="a file with the headings only")


def upload_members(job: Job) -> dict[str, Any]:
    """What the pipeline has written about an upload, with `***` for values of sensitive columns.

    A running attempt writes into `progress_details`, an ended one into the result.
    """
    written = _written(job)
    members = {name: written[name] for name in FROM_PIPELINE if written.get(name) is not None}
    if any(name in written for name in SUCCEEDED):
        members["rowsSucceeded"] = sum(written.get(name) or 0 for name in SUCCEEDED)
    if undoes := job.payload.get("undoes"):
        members["undoes"] = undoes
    upload_type = UPLOAD_TYPES.find(job.type)
    for name in ("errorGroups", "errorsPreview"):
        if name in members:
            members[name] = [_masked(error, upload_type) for error in members[name]]
    if warnings := [*_own_warnings(job), *written.get("warnings", [])]:
        members["warnings"] = warnings
    if job.state not in (State.CANCELLED, State.SUCCEEDED, State.DEAD):
        members = {"phase": "received", **members}
    return members


def _written(job: Job) -> dict[str, Any]:
    result = job.result if isinstance(job.result, dict) else {}
    written = result.get("upload") or getattr(job, "progress_details", None)
    return written if isinstance(written, dict) else {}


def _own_warnings(job: Job) -> list[dict[str, str]]:
    if not (first := job.payload.get("repeats")):
        return []
    return [{"code": "repeated-upload", "detail": f"The upload {first} has the same bytes and type."}]


def _masked(error: dict[str, Any], upload_type: UploadType | None) -> dict[str, Any]:
    """An error without its value, if its column is sensitive."""
    if not is_hidden(str(error.get("column") or ""), upload_type):
        return error
    value = error.get("value")
    masked = {name: MASK if name == "value" else part for name, part in error.items()}
    if value and "message" in error:
        masked["message"] = str(error["message"]).replace(str(value), MASK)
    return masked


def is_hidden(heading: str, upload_type: UploadType | None) -> bool:
    """Whether the values of the column under a heading are masked."""
    if upload_type is None:
        return is_sensitive(heading)
    keys = [key for key, names in upload_type.known_headings().items() if heading in names]
    return any(upload_type.hides(key) for key in (heading, *keys))
