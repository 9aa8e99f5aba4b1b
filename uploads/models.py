"""The tables of uploads: the ledger of merges into other databases, and how users call columns."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


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
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["owner", "upload_type", "heading"], name="uploads_rememberedheading_once")
        ]

    def __str__(self) -> str:
        return f"{self.heading} → {self.column}"
