"""The ledger of merges into other databases."""

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
