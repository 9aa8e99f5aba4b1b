"""The tables of uploads: the ledger of merges, files that arrive in several requests, and how users call columns."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7


class Merge(models.Model):
    """An upload whose rows were written to this database, which is not the one with the jobs.

    It is written in the transaction of the merge, so that no later attempt writes the rows again.
    """

    job_id = models.UUIDField(primary_key=True)
    result = models.JSONField(help_text="the result that the job ends with")
    merged_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"merge of {self.job_id}"


class RememberedHeading(models.Model):
    """A heading of a user's files, and the column that the user has matched it to."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, related_name="+")
    upload_type = models.CharField(max_length=100, help_text="its identifier")
    heading = models.CharField(max_length=300, help_text="as headings are compared: without case and width")
    column = models.CharField(max_length=300, blank=True, help_text="heading of the type's column; empty: ignored")

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["owner", "upload_type", "heading"], name="uploads_rememberedheading_once")
        ]

    def __str__(self) -> str:
        return f"{self.heading} → {self.column}"


class ResumableUpload(models.Model):
    """A file that its owner sends in one or more requests, by tus. With its last byte it becomes a job.

    The job is named without a foreign key: it may be deleted first.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    length_bytes = models.BigIntegerField(help_text="size of the whole file")
    offset_bytes = models.BigIntegerField(default=0, help_text="stored bytes; the next one has this number")
    order = models.JSONField(help_text="the validated order, as `UploadOrdering.place_upload` takes it")
    filename = models.CharField(max_length=255)
    metadata = models.TextField(blank=True, help_text="`Upload-Metadata` as the client sent it")
    fencing_token = models.BigIntegerField(default=0, help_text="new for each request that may write; guards it")
    finishing_until = models.DateTimeField(
        null=True, help_text="until when a request has the whole file and is making the job; it renews this"
    )
    job_id = models.UUIDField(null=True, help_text="the upload that it has become")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(help_text="when it is deleted; later with each part that is stored")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(offset_bytes__gte=0, offset_bytes__lte=F("length_bytes")), name="uploads_resumable_offset"
            ),
            models.CheckConstraint(
                condition=Q(job_id=None) | Q(offset_bytes=F("length_bytes")), name="uploads_resumable_whole"
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="uploads_resumable_expiry")]

    def __str__(self) -> str:
        return f"{self.filename}, {self.offset_bytes} of {self.length_bytes} bytes"


class UploadPart(models.Model):
    """Stored bytes of a resumable upload, beginning with the one numbered `first_byte`. Parts have no gaps."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    upload = models.ForeignKey(ResumableUpload, on_delete=models.CASCADE, related_name="parts", db_index=False)
    first_byte = models.BigIntegerField()
    size_bytes = models.BigIntegerField()
    storage_name = models.CharField(max_length=200, unique=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["upload", "first_byte"], name="uploads_part_place"),
            models.CheckConstraint(condition=Q(first_byte__gte=0, size_bytes__gt=0), name="uploads_part_bytes"),
        ]
        ordering = ["first_byte"]

    def __str__(self) -> str:
        return f"{self.size_bytes} bytes from {self.first_byte}"
