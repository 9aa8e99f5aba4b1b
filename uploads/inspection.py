"""Information about the payload of an upload for staff pages, in addition to that of every kind with types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, cast

from django.utils import timezone

from jobs.context import JobContext
from jobs.inspection import Finding, Related
from jobs.models import Attempt, Job
from jobs.states import Level
from jobs.types.inspector import TypedInspector
from uploads.corrections import Chapter, may_have_story, story_of
from uploads.errors import FileError
from uploads.ingest.pipeline import Ingest
from uploads.ingest.target import database_of
from uploads.mending import MendedRows
from uploads.ordering import reopen_order
from uploads.types import Counts, UploadType
from uploads.undo.ordering import images_of, missing_file

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: A plan takes longer for a large file; the process that asks is ended at its own deadline.
LONGEST_PLAN_SECONDS: Final = 60


class UploadInspector(TypedInspector[UploadType]):
    """Adds whether the file is still there, and what the upload would do."""

    knows_cost = True

    def findings(self, job: Job) -> Iterator[Finding]:
        """Also whether the file that it reads is still stored."""
        yield from super().findings(job)
        if missing := missing_file(job):
            yield Finding(Level.WILL_FAIL, missing)

    def related(self, job: Job) -> tuple[str, Sequence[Related]]:
        """The uploads that it corrects, that correct it, and the others of the same story, oldest first."""
        if not may_have_story(job):
            return "", ()
        story = story_of(job, of_all_owners=True)
        others = [one for one in story.chapters if one.job.pk != job.pk]
        return str(story.progress or ""), [Related(one.job, _relation(job, one), _facts(one)) for one in others]

    def cost(self, job: Job) -> str | None:
        """What the upload would do to the table now: the counts of a dry run. It reads the whole file.

        Of an undo, only how many rows the upload had written.
        """
        if undoes := job.payload.get("undoes"):
            images = images_of(undoes)
            return f"The undo would take back up to {images.row_count:,} rows." if images else None
        if MendedRows.pending_in(job.payload):
            return "The mended rows are not in the file yet. The upload puts them in when it runs."
        upload_type, _ = reopen_order(job.payload, cast("AbstractBaseUser", job.owner))
        attempt = Attempt(job=job, number=0, fencing_token=0, started_at=timezone.now())
        context = JobContext(attempt, lease_seconds=LONGEST_PLAN_SECONDS)
        with context.resources:
            try:
                return in_words(Ingest(context, upload_type, database_of(upload_type)).foresee())
            except FileError as error:
                return f"The file would be refused ({error.code}): {error}"


def _relation(job: Job, other: Chapter) -> str:
    if job.payload.get("corrects") == str(other.job.pk):
        return "corrected by this upload"
    return "corrects this upload" if other.corrects == job.pk else "in the same story"


def _facts(one: Chapter) -> str:
    said = f"{one.succeeded:,} good rows, {one.counts['rowsFailed']:,} rejected"
    return f"dry run, {said}" if one.is_dry_run else said


def in_words(counts: Counts) -> str:
    """`The file has 7 rows. The upload would insert 3, …`"""
    said = (
        f"The file has {counts.total:,} rows. The upload would insert {counts.inserted:,} and update "
        f"{counts.updated:,}; {counts.unchanged:,} are unchanged."
    )
    return f"{said} {counts.failed:,} rows have errors." if counts.failed else said
