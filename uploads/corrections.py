"""Uploads that correct others: which upload can be corrected, and how many of its rejected rows are in by now.

An upload, the uploads that correct it, and those that correct these in turn are one story.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db.models import F, Q

from jobs.models import Job
from jobs.models.querysets import JobQuerySet
from jobs.states import ACTIVE, State
from uploads.types import UPLOAD_TYPES

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: How far a story is followed: corrections of corrections, and all of its uploads.
LONGEST_CHAIN: Final = 20
MOST_UPLOADS: Final = 200
#: Members of the result that tell what became of the rows.
_COUNTS: Final = (
    "rowsTotal", "rowsInserted", "rowsUpdated", "rowsUnchanged", "rowsFailed", "rowsBlank", "rowsReversed",
)  # fmt: skip


class NotCorrectableError(ValueError):
    """No upload can correct this one."""


def require_correctable(owner: AbstractBaseUser, upload_type: str, upload_id: Any) -> None:
    """Raise NotCorrectableError unless this is an upload of `owner` and of this type that has rejected rows."""
    mine = Job.objects.owned_by(owner).filter(pk=upload_id, kind=UPLOAD_TYPES.kind, type=upload_type)
    found = mine.values_list("state", "result__upload__rowsFailed").first()
    if found is None:
        raise NotCorrectableError("You have no upload of this type with this id.")
    state, failed = found
    if state in ACTIVE:
        raise NotCorrectableError("The upload has not ended yet.")
    if not failed:
        raise NotCorrectableError("The upload has no rejected rows.")


@dataclass(frozen=True)
class Chapter:
    """One upload of a story. `counts` has all of `_COUNTS`; `job` lacks its payload and its result."""

    job: Job
    corrects: UUID | None
    is_dry_run: bool
    is_merged: bool
    counts: Mapping[str, int]
    #: Whether its file is all of the file that it corrects, with mended rows in it.
    is_whole_file: bool = False
    #: Rows that an undo of this upload has taken back.
    undone: int = 0

    @property
    def changed(self) -> int:
        """The rows that it wrote and that were not taken back."""
        return max(0, self.counts["rowsInserted"] + self.counts["rowsUpdated"] - self.undone) if self.is_merged else 0

    @property
    def unchanged(self) -> int:
        """The rows that the table had already."""
        return self.counts["rowsUnchanged"] if self.is_merged else 0

    @property
    def succeeded(self) -> int:
        """The rows that it found to be right, whether it was to write them or not."""
        return sum(self.counts[name] for name in ("rowsInserted", "rowsUpdated", "rowsUnchanged"))

    @property
    def rows(self) -> int:
        """All rows of its file, except blank ones."""
        return self.counts["rowsTotal"] - self.counts["rowsBlank"]


@dataclass(frozen=True)
class Progress:
    """How far the correction of a file has come: of its `rejected` rows, and of all its rows (`total`)."""

    rejected: int
    corrected: int
    total: int
    written: int

    def __str__(self) -> str:
        return (
            f"{self.corrected:,} of {self.rejected:,} rejected rows are now in. Of all rows of the first file, "
            f"{self.written:,} of {self.total:,} are in."
        )


@dataclass(frozen=True)
class Story:
    """The uploads of a story, oldest first. Each but the first corrects another one. Empty if nothing was corrected."""

    chapters: Sequence[Chapter]

    @property
    def first(self) -> Chapter:
        """The upload that corrects none of the others."""
        return self.chapters[0]

    def corrections_of(self, upload_id: UUID) -> list[Chapter]:
        """The uploads that correct this one themselves, newest first."""
        return [chapter for chapter in reversed(self.chapters[1:]) if chapter.corrects == upload_id]

    @cached_property
    def progress(self) -> Progress | None:
        """None if nothing was corrected, or the first upload is running again.

        Rows are counted, not compared, so the figures rest on what people do: they upload the file of the rejected rows
        or, once more, the whole file. A file with more rows than were rejected has the other rows, too. A whole file
        that was mended here has all the others, even if rejected rows were left out of it. If the same rows are sent a
        second time, those that the first time has written are unchanged, and do not count again.
        """
        if not self.chapters or not (rejected := self.first.counts["rowsFailed"]):
            return None
        first, total = self.first, self.first.rows
        corrected = written = 0
        answered: set[UUID | None] = set()
        whole = {first.job.pk}
        for one in self.chapters[1:]:
            is_repeated = one.corrects in answered
            if one.is_whole_file and one.corrects in whole:
                whole.add(one.job.pk)
            others = total - rejected if one.job.pk in whole else max(0, one.rows - rejected)
            changed = one.changed if first.is_merged else max(0, one.changed - max(0, others - one.unchanged))
            corrected += changed + (0 if is_repeated else max(0, one.unchanged - others))
            written += one.changed + (0 if is_repeated else one.unchanged)
            if one.is_merged and not one.undone:
                answered.add(one.corrects)
        corrected = min(corrected, rejected)
        written = first.changed + first.unchanged + corrected if first.is_merged else min(written, total)
        return Progress(rejected, corrected, total, written)


def may_have_story(job: Job) -> bool:
    """Whether the upload corrects one, or can be corrected. Asks no database."""
    written = job.result.get("upload") if isinstance(job.result, dict) else None
    return bool(job.payload.get("corrects") or (isinstance(written, dict) and written.get("rowsFailed")))


def story_of(job: Job, *, of_all_owners: bool = False) -> Story:
    """The story of an upload: its owner's uploads, and those that were deleted since and so have no owner.

    The rows that a deleted upload has written are still in the table, so it counts; only its owner's API must not
    name it. It takes a query for each level of corrections, and one more if there are any.
    """
    among = Job.objects.filter(kind=UPLOAD_TYPES.kind, type=job.type)
    if not of_all_owners:
        among = among.filter(Q(owner=job.owner_id) | Q(owner=None))
    first = _first(job, among)
    told: dict[UUID, Job] = {}
    undone: dict[UUID, int] = {}
    level = [first]
    for _ in range(LONGEST_CHAIN + 1):
        if not level or len(told) > MOST_UPLOADS:
            break
        related = _related(among, level)
        for one in related:
            if one.undoes and one.state == State.SUCCEEDED:
                undone[UUID(one.undoes)] = one.rowsReversed or 0
        level = [one.pk for one in related if one.corrects and one.pk not in (first, *told)]
        told |= {one.pk: one for one in related if one.pk in level}
    if not told:
        return Story(())
    every = [*_described(among.filter(pk=first)), *(told[pk] for pk in sorted(told))]
    return Story([_chapter(one, undone.get(one.pk, 0)) for one in every])


def _first(job: Job, among: JobQuerySet) -> UUID:
    """The upload at the beginning of the chain of corrections."""
    first, corrected = job.pk, job.payload.get("corrects")
    for _ in range(LONGEST_CHAIN):
        found = among.filter(pk=corrected).values_list("pk", "payload__corrects").first() if corrected else None
        if found is None:
            break
        first, corrected = found
    return first


def _related(among: JobQuerySet, upload_ids: Iterable[UUID]) -> list[Any]:
    """The newest jobs that correct or undo one of these uploads. The search terms of payloads have an index."""
    terms = [f"{member}={pk}" for pk in upload_ids for member in ("corrects", "undoes")]
    return list(_described(among.filter(search_terms__terms__overlap=terms)).order_by("-pk")[:MOST_UPLOADS])


def _described(jobs: JobQuerySet) -> Any:
    """Jobs with what a chapter needs, without their payloads and results, which may be large."""
    members = {name: F(f"payload__{name}") for name in ("corrects", "undoes", "dryRun")}
    members["mended"] = F("payload__mended__encoding")  # without the cells
    members |= {name: F(f"result__upload__{name}") for name in ("phase", *_COUNTS)}
    needed = ("owner", "kind", "type", "state", "cancel_requested_at", "created_at", "finished_at")
    return jobs.annotate(**members).only(*needed)


def _chapter(job: Any, undone: int) -> Chapter:
    return Chapter(
        job=job,
        corrects=UUID(job.corrects) if job.corrects else None,
        is_dry_run=bool(job.dryRun),
        is_merged=job.state == State.SUCCEEDED and job.phase == "merged",
        counts={name: getattr(job, name) or 0 for name in _COUNTS},
        is_whole_file=job.mended is not None,
        undone=undone,
    )
