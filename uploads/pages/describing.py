"""One upload, dry run or undo, as its page shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from jobs.models import Artifact, Job
from jobs.pages.detail_wording import ShownInFull
from jobs.states import State
from jobs.status import has_ended, is_available
from uploads.api.bodies import upload_members
from uploads.api.corrections import correction_members
from uploads.mending import is_unwritten
from uploads.pages.changes import Change, changes_of
from uploads.pages.failures import Failure, failure_of
from uploads.pages.mend_file import can_be_mended
from uploads.pages.options import SOURCES, Options, delimiter_label, encoding_label
from uploads.pages.outcomes import Count, Outcome, changed_rows, counts_of, outcome_of
from uploads.pages.phases import Step, steps_of
from uploads.pages.reasons import Reason, kept_reasons, reasons_of
from uploads.repeating import continued_by
from uploads.types import UPLOAD_TYPES
from uploads.undo.ordering import undo_of

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


@dataclass(frozen=True)
class Story:
    """The other uploads that belong to this one, by id."""

    continues: str | None
    continued_by: UUID | None
    corrects: str | None
    corrected_by: Sequence[Mapping[str, Any]]
    progress: Mapping[str, Any] | None
    undoes: str | None
    undone_by: UUID | None


@dataclass(frozen=True)
class ShownUpload:
    """`members` are those of the status, where values of sensitive columns are hidden."""

    shown: ShownInFull
    members: Mapping[str, Any]
    files: Mapping[str, Artifact]
    story: Story

    @property
    def job(self) -> Job:
        return self.shown.job

    @property
    def is_undo(self) -> bool:
        return bool(self.job.payload.get("undoes"))

    @property
    def is_check(self) -> bool:
        return bool(self.job.payload["dryRun"])

    @property
    def steps(self) -> list[Step]:
        return [] if self.is_undo else list(steps_of(self.job, self.members))

    @property
    def outcome(self) -> Outcome | None:
        return outcome_of(self.job, self.members)

    @property
    def failure(self) -> Failure | None:
        return failure_of(self.shown)

    @property
    def counts(self) -> Sequence[Count]:
        return counts_of(self.job, self.members) if has_ended(self.job) else ()

    @property
    def reasons(self) -> list[Reason]:
        return list(reasons_of(self.members))

    @property
    def further_reasons(self) -> int:
        return len(self.members.get("errorGroups", ())) - len(self.reasons)

    @property
    def kept(self) -> list[tuple[_StrOrPromise, int]]:
        return kept_reasons(self.members)

    @property
    def changes(self) -> list[Change]:
        return list(changes_of(self.members, UPLOAD_TYPES.find(self.job.type)))

    @property
    def options(self) -> Options:
        return Options.of_payload(self.job.payload)

    @property
    def encoding(self) -> _StrOrPromise:
        return encoding_label(self.members["encoding"]) if "encoding" in self.members else ""

    @property
    def encoding_source(self) -> _StrOrPromise:
        return SOURCES.get(self.members.get("encodingSource", ""), "")

    @property
    def warnings(self) -> list[Mapping[str, Any]]:
        """All but that about a repeated file, which the page shows with a link."""
        return [one for one in self.members.get("warnings", ()) if one["code"] != "repeated-upload"]

    @property
    def delimiter(self) -> _StrOrPromise:
        return delimiter_label(self.members["delimiter"]) if "delimiter" in self.members else ""

    @property
    def errors_file(self) -> Artifact | None:
        return self._available(Artifact.Role.ERRORS)

    @property
    def results_file(self) -> Artifact | None:
        return self._available(Artifact.Role.RESULTS)

    @property
    def has_file(self) -> bool:
        """Whether its file can be taken over: it is still stored, and no attempt may begin to read it."""
        return has_ended(self.job) and not self.is_undo and Artifact.Role.SOURCE in self.files

    @property
    def good_rows(self) -> int:
        """The rows that would be written, if they have not been."""
        is_written = self.job.state == State.SUCCEEDED and not self.is_check
        return 0 if is_written else changed_rows(self.members)

    @property
    def can_confirm(self) -> bool:
        """Whether it is a dry run whose plan can be carried out."""
        is_planned = self.job.state == State.SUCCEEDED and self.is_check and "planDigest" in self.members
        return is_planned and self.has_file and self.good_rows > 0 and self.shown.may_order_again

    @property
    def can_write_good_rows(self) -> bool:
        """Whether it failed because of some rows, and the others can be written."""
        is_rejected = self.failure is not None and self.failure.code == "rows-rejected"
        return is_rejected and self.has_file and self.good_rows > 0 and self.shown.may_order_again

    @property
    def can_repeat(self) -> bool:
        """Whether it failed for a cause that may be cured, and the same file can be sent again as it is stored."""
        is_cured_elsewhere = self.failure is not None and self.failure.code != "rows-rejected"
        return is_cured_elsewhere and self.has_file and self.shown.may_order_again

    @property
    def can_match(self) -> bool:
        """Whether it failed because of its headings, which can be matched to the columns of the type by hand."""
        return self.can_repeat and self.failure is not None and self.failure.is_about_headings

    @property
    def can_retry(self) -> bool:
        """Whether the same job can be tried again."""
        may_retry = self.failure is not None and self.failure.may_retry
        return may_retry and (self.has_file or self.is_undo) and self.shown.may_order_again

    @property
    def has_next(self) -> bool:
        """Whether there is something to do next."""
        return self.can_confirm or self.can_write_good_rows or self.can_mend or self.can_repeat or self.can_retry

    @property
    def can_mend(self) -> bool:
        """Whether the rejected rows can be edited on a page. If another upload has the file, they are mended there."""
        is_elsewhere = self.story.continued_by is not None and is_unwritten(self.job)
        return can_be_mended(self.errors_file) and not is_elsewhere and self.shown.may_order_again

    @property
    def can_undo(self) -> bool:
        is_written = self.job.state == State.SUCCEEDED and not self.is_undo
        return is_written and self._available(Artifact.Role.BEFORE) is not None and not self.story.undone_by

    def _available(self, role: str) -> Artifact | None:
        artifact = self.files.get(role)
        return artifact if has_ended(self.job) and is_available(artifact) else None


def show_upload(shown: ShownInFull) -> ShownUpload:
    """At most four queries beside those of the story, whose number grows with its corrections of corrections."""
    job = shown.job
    found = Artifact.objects.filter(job=job, published_at__isnull=False, deleted_at=None)
    files = {artifact.role: artifact for artifact in found}
    return ShownUpload(shown, upload_members(job), files, _story(job, files))


def _story(job: Job, files: Mapping[str, Artifact]) -> Story:
    payload = job.payload
    corrections = correction_members(job)
    is_without_file = has_ended(job) and not payload.get("undoes") and Artifact.Role.SOURCE not in files
    may_be_undone = job.state == State.SUCCEEDED and not payload["dryRun"] and not payload.get("undoes")
    return Story(
        continues=payload.get("continues"),
        continued_by=continued_by(job) if is_without_file else None,
        corrects=payload.get("corrects"),
        corrected_by=corrections.get("correctedBy", ()),
        progress=corrections.get("correctionProgress"),
        undoes=payload.get("undoes"),
        undone_by=undo_of(job) if may_be_undone else None,
    )
