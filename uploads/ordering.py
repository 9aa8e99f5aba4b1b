"""Orders of uploads: what they add to the orders of other kinds.

The file is received before its order is placed. The job and the row of its file are then created in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from rest_framework import serializers

from jobs.dispatch.idempotency import Idempotency, job_of_first_request
from jobs.files.artifacts import ArtifactWriter
from jobs.http.strict import StrictBooleanField, StrictCharField, StrictIntegerField, StrictSerializer
from jobs.models import Artifact, Job
from jobs.models.ids import first_id_at
from jobs.postgres.statements import planned_again
from jobs.types.ordering import Order, Ordering, Placed
from uploads.corrections import NotCorrectableError, require_correctable
from uploads.headings import HeadingsField, headings_of, refuse_unknown_columns
from uploads.mending import sealed
from uploads.remembering import remember_headings
from uploads.types import UPLOAD_TYPES, UploadType

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

KIND: Final = UPLOAD_TYPES.kind
MODES: Final = ("atomic", "partial")
#: How long an upload of the same bytes is mentioned.
REPEATED_WITHIN: Final = timedelta(days=1)


class FileSerializer(StrictSerializer):
    """The file that was received."""

    filename = StrictCharField(max_length=255)
    sizeBytes = StrictIntegerField(min_value=0)
    sha256 = StrictCharField(max_length=64)


class FormatSerializer(StrictSerializer):
    """What the client declares about the format of the file; null: it is found out."""

    encoding = StrictCharField(max_length=30, allow_null=True, default=None)
    delimiter = StrictCharField(max_length=1, allow_null=True, default=None, trim_whitespace=False)
    headings = HeadingsField(required=False)


class UploadOrder(Order):
    """An order of an upload. The view builds it from the query string and the file.

    With `undoes`, it is an order to undo that upload, and all else describes the undone one. With `continues`, it has
    taken over the stored file of that upload; with `mended` (`uploads.mending`), rows of it were mended.
    """

    uploadType = StrictCharField(max_length=100)
    file = FileSerializer()
    csv = FormatSerializer(default=dict)
    mode = serializers.ChoiceField(choices=MODES, default="atomic")
    dryRun = StrictBooleanField(default=False)
    plan = StrictCharField(max_length=128, allow_null=True, default=None)
    corrects = serializers.UUIDField(allow_null=True, default=None)
    repeats = serializers.UUIDField(allow_null=True, default=None)
    undoes = serializers.UUIDField(allow_null=True, default=None)
    continues = serializers.UUIDField(allow_null=True, default=None)
    mended = serializers.DictField(required=False)

    def get_fields(self) -> dict[str, Any]:
        """An upload is never reused."""
        return {name: field for name, field in super().get_fields().items() if name != "reuse"}


class UploadOrdering(Ordering[UploadType]):
    """Adds the file, its format and the mode to the payload."""

    types = UPLOAD_TYPES
    Order = UploadOrder

    def further_members(self, job_type: UploadType, order: dict[str, Any]) -> dict[str, Any]:
        """The members of an upload, with all defaults filled in."""
        ids = {name: order[name] and str(order[name]) for name in ("corrects", "repeats", "undoes", "continues")}
        csv = {"encoding": None, "delimiter": None, **order["csv"]}
        mended = {"mended": sealed(order["mended"])} if "mended" in order else {}
        further = {name: order[name] for name in ("mode", "dryRun", "plan")}
        return {"file": order["file"], "csv": csv, **further, **ids, **mended}

    def place_upload(
        self,
        *,
        owner: AbstractBaseUser,
        data: dict[str, Any],
        source: ArtifactWriter,
        idempotency: Idempotency | None = None,
        record: Callable[[Job], None] = lambda job: None,
    ) -> Placed:
        """Submit the upload of a received file, unless the same request already did. A replay leaves the file unused.

        `data` is the order without `file` and `repeats`. `record` is called with the new job in its transaction; if it
        raises, there is no job. Raises DRF's ValidationError, UnknownTypeError, ArtifactError,
        StorageUnavailableError, and the errors of `job_of_first_request` and `submit_job`.
        """
        artifact = source.artifact()
        file = {"filename": artifact.filename, "sizeBytes": artifact.size_bytes, "sha256": artifact.sha256}
        return planned_again(partial(self._place_upload, owner, {**data, "file": file}, artifact, idempotency, record))

    def _place_upload(
        self,
        owner: AbstractBaseUser,
        data: dict[str, Any],
        artifact: Artifact,
        idempotency: Idempotency | None,
        record: Callable[[Job], None],
    ) -> Placed:
        with transaction.atomic(), job_of_first_request(owner=owner, idempotency=idempotency) as first:
            if first is not None:
                return Placed(first, is_replayed=True)
            refuse_wrong_order(data, owner=owner)
            repeats = first_with_same_bytes(owner, data["uploadType"], artifact.sha256)
            order = self._validated({**_as_corrected(data), "repeats": repeats and str(repeats)})
            upload_type, payload = self._payload(order, owner)
            job = self.submit(upload_type, payload, order, owner=owner, idempotency=idempotency)
            artifact.job = job
            artifact.save(force_insert=True)
            if headings := data.get("csv", {}).get("headings"):
                remember_headings(owner, upload_type.identifier, headings)
            record(job)
            return Placed(job)


def refuse_wrong_order(order: dict[str, Any], *, owner: AbstractBaseUser) -> None:
    """Raise DRF's ValidationError if the order corrects what cannot be corrected, or names an unknown column."""
    refuse_unknown_columns(order)
    if not (corrects := order.get("corrects")):
        return
    try:
        require_correctable(owner, order["uploadType"], corrects)
    except NotCorrectableError as error:
        raise serializers.ValidationError({"corrects": [str(error)]}) from None


def _as_corrected(order: dict[str, Any]) -> dict[str, Any]:
    """A correction has the headings of the file that it corrects, so they are matched as those were."""
    if (
        not order.get("corrects")
        or "headings" in order.get("csv", {})
        or not (headings := headings_of(order["corrects"]))
    ):
        return order
    return {**order, "csv": {**order.get("csv", {}), "headings": headings}}


def first_with_same_bytes(owner: AbstractBaseUser, upload_type: str, sha256: str) -> UUID | None:
    """The id of the owner's first upload of these bytes as this type within a day, except dry runs; None if none."""
    return (
        Job.objects.owned_by(owner)
        .filter(
            kind=KIND,
            type=upload_type,
            pk__gte=first_id_at(timezone.now() - REPEATED_WITHIN),
            artifacts__role=Artifact.Role.SOURCE,
            artifacts__sha256=sha256,
            payload__dryRun=False,
        )
        .order_by("pk")
        .values_list("pk", flat=True)
        .first()
    )


def has_source(job: Job) -> bool:
    """Whether the file of an upload is still stored."""
    return job.artifacts.filter(role=Artifact.Role.SOURCE, deleted_at=None).exists()


ORDERING: Final = UploadOrdering()
reopen_order = ORDERING.reopen_order
