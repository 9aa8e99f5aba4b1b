"""Members of the status that show an upload and its corrections as one story."""

from __future__ import annotations

from typing import Any, Final

from django.urls import reverse
from rest_framework import serializers

from jobs.models import Job
from jobs.status import STATUS_WORDS, has_ended, status_word
from uploads.corrections import Chapter, may_have_story, story_of

#: How many corrections of an upload its status names.
MOST_NAMED: Final = 20


class Correction(serializers.Serializer[Any]):
    """An upload that corrects rejected rows of this one."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=STATUS_WORDS)
    dryRun = serializers.BooleanField()
    rowsSucceeded = serializers.IntegerField(required=False, help_text="once it has ended")
    rowsFailed = serializers.IntegerField(required=False, help_text="once it has ended")
    createdAt = serializers.DateTimeField()
    completedAt = serializers.DateTimeField(required=False)
    statusURL = serializers.CharField()


class CorrectionProgress(serializers.Serializer[Any]):
    """How many rows of the first file are in the table by now, over all corrections and their corrections."""

    first = serializers.UUIDField(
        required=False, help_text="the upload at the beginning of the story; left out if it was deleted"
    )
    uploads = serializers.IntegerField(help_text="uploads of the story, with the first one")
    rowsRejected = serializers.IntegerField(help_text="rows that the first upload rejected")
    rowsCorrected = serializers.IntegerField(help_text="those of them that are in by now")
    rowsTotal = serializers.IntegerField(help_text="rows of the first file, without blank ones")
    rowsWritten = serializers.IntegerField(help_text="those of them that are in by now")
    detail = serializers.CharField(help_text="the same in a sentence")


def correction_members(job: Job) -> dict[str, Any]:
    """What the upload corrects and, once it has ended, what corrects it and how far the whole story has come.

    No query if it corrects nothing and has no rejected rows; else one for each level of corrections.
    """
    members: dict[str, Any] = {}
    if corrects := job.payload.get("corrects"):
        members["corrects"] = corrects
    if not has_ended(job) or not may_have_story(job):
        return members
    story = story_of(job)
    named = [one for one in story.corrections_of(job.pk) if one.job.owner_id == job.owner_id]
    if named:
        members["correctedBy"] = [_correction(one) for one in named[:MOST_NAMED]]
    if (progress := story.progress) is not None:
        first = story.first.job
        members["correctionProgress"] = {
            **({"first": str(first.pk)} if first.owner_id == job.owner_id else {}),
            "uploads": len(story.chapters),
            "rowsRejected": progress.rejected,
            "rowsCorrected": progress.corrected,
            "rowsTotal": progress.total,
            "rowsWritten": progress.written,
            "detail": str(progress),
        }
    return members


def _correction(one: Chapter) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": str(one.job.pk),
        "status": status_word(one.job, None),
        "dryRun": one.is_dry_run,
        "createdAt": one.job.created_at,
        "statusURL": reverse("upload-status", args=[one.job.pk]),
    }
    if has_ended(one.job):
        body |= {"rowsSucceeded": one.succeeded, "rowsFailed": one.counts["rowsFailed"]}
        if one.job.finished_at is not None:
            body["completedAt"] = one.job.finished_at
    return body
