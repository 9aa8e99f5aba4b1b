"""Artifacts: the rows of files that belong to jobs. `jobs.files.artifacts` writes and deletes the files."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

#: The artifact that can be downloaded, unless it has expired or was deleted.
PUBLISHED_RESULT = Q(role="result", published_at__isnull=False)


class Artifact(models.Model):
    """A file that belongs to a job. It can be downloaded from `published_at` until it is deleted."""

    class Role(models.TextChoices):
        """What the file is to its job."""

        RESULT = "result"
        SOURCE = "source"
        ERRORS = "errors"
        RESULTS = "results"
        BEFORE = "before"
        STEP = "step"

    job = models.ForeignKey("jobs.Job", on_delete=models.CASCADE, db_index=False, related_name="artifacts")
    attempt = models.PositiveIntegerField(null=True, help_text="number of the attempt that wrote it")
    role = models.CharField(max_length=10, choices=Role)
    part = models.CharField(
        max_length=20, default="", db_default="", help_text="tells files of a job with the same role apart"
    )
    storage_name = models.CharField(max_length=255, help_text="name in the `artifacts` storage")
    filename = models.CharField(max_length=255, help_text="name offered to the person who downloads it")
    content_type = models.CharField(max_length=100)
    encoding = models.CharField(max_length=20)
    row_count = models.BigIntegerField(help_text="rows without the heading")
    size_bytes = models.BigIntegerField(help_text="bytes")
    sha256 = models.CharField(max_length=64, help_text="of the stored bytes, hexadecimal")
    published_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    damaged_at = models.DateTimeField(null=True, help_text="when the file was first found missing or of the wrong size")

    expiry_mailed = models.BooleanField(
        default=False, db_default=False, help_text="its owner was told by mail that it is about to expire"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=("job", "role", "part"), name="jobs_artifact_one_per_part")]
        permissions = [("download_artifact", "Can download the files of all jobs")]
        indexes = [
            models.Index(fields=["expires_at"], name="jobs_artifact_expiry", condition=Q(deleted_at=None)),
            models.Index(fields=["storage_name"], name="jobs_artifact_storage_name"),
            models.Index(fields=["damaged_at"], name="jobs_artifact_damaged", condition=Q(damaged_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.role} of {self.job_id}"

    @property
    def rows(self) -> int | None:
        """The number of rows without the heading; None for a file that is no table."""
        return None if self.content_type == "application/json" else self.row_count
