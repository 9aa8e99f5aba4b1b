"""Tables beside a payload: search terms, and earlier versions."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now


class SearchTerms(models.Model):
    """The words by which search finds a job; see `jobs.payloads.search`. A job with an empty payload has no row."""

    job = models.OneToOneField("jobs.Job", on_delete=models.CASCADE, primary_key=True, related_name="search_terms")
    terms = ArrayField(models.TextField())

    class Meta:
        indexes = [GinIndex(fields=["terms"], name="jobs_searchterms_terms")]

    def __str__(self) -> str:
        return f"terms of {self.job_id}"


class PayloadRevision(models.Model):
    """A payload as it was before a person edited it. Rows are only added."""

    job = models.ForeignKey("jobs.Job", on_delete=models.CASCADE, related_name="revisions")
    payload = models.JSONField()
    replaced_at = models.DateTimeField(db_default=Now())
    replaced_by = models.CharField(max_length=150, help_text="name of the user")

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"payload of {self.job_id} until {self.replaced_at}"
