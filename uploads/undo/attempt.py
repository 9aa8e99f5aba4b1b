"""One attempt of an undo, step by step."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from django.utils.translation import gettext_noop as _
from psycopg import sql

from jobs.context import JobContext
from jobs.errors import ArtifactMissingError, PermanentError
from jobs.files.artifacts import require_stored
from jobs.models import Artifact, Attempt
from uploads.ingest.accounting import WrongSumError
from uploads.ingest.files import open_csv
from uploads.ingest.ledger import once_in_ledger, result_of_earlier_attempt
from uploads.ingest.merging import PlanMovedError, begin_again
from uploads.ingest.session import Session, open_session, postponed_if_locked
from uploads.ingest.summary import Summary
from uploads.ingest.target import database_of
from uploads.ingest.turns import take_turn
from uploads.types import UploadType
from uploads.undo.loading import load_images
from uploads.undo.merging import RowsRefusedError, reverse
from uploads.undo.ordering import images_of, require_not_undone
from uploads.undo.planning import Reversed, Undone, count_reversal, plan_reversal
from uploads.undo.rehearsal import rehearse
from uploads.undo.results import write_reversal

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: How much of the work is done after each step, for the progress.
LOADED, PLANNED, REPORTED = 0.3, 0.6, 0.7


def undo(context: JobContext, upload_type: UploadType) -> dict[str, Any]:
    """Run one attempt; returns the job's result. The rows are written when the job is finished.

    Raises PermanentError if the images are gone, the table has changed, or another job has undone the upload;
    PostponedError, another AttemptStoppedError, LeaseLostError, or errors of database and storage.
    """
    alias = database_of(upload_type)
    if (done := result_of_earlier_attempt(context, alias)) is not None:
        return done
    with postponed_if_locked():
        return Undoing(context, upload_type, alias).run()


class Undoing:
    """The state of one attempt."""

    def __init__(self, context: JobContext, upload_type: UploadType, alias: str) -> None:
        self.context = context
        self.upload_type = upload_type
        self.alias = alias
        self.summary = Summary()
        self.images = _available_images(context)
        earlier = Attempt.objects.filter(job=context.job, error_message=RowsRefusedError.MESSAGE)
        self.is_rehearsed = earlier.exists()

    def run(self) -> dict[str, Any]:
        """All steps up to the merge, which `finish_with` is told."""
        session = open_session(self.context, self.upload_type, self.alias)
        session.end_earlier_ones()
        undone = self._load(session)
        take_turn(undone.session, self.upload_type.model._meta.db_table, self.context)
        if (done := result_of_earlier_attempt(self.context, self.alias)) is not None:  # it still had the turn
            return done
        require_not_undone(self.context.job, alias=self.alias)
        counts = self._plan(undone)
        with open_csv(self.context, self.upload_type, Artifact.Role.RESULTS, "undo") as writer:
            write_reversal(undone, writer, check=self.context.check)
        self._report(REPORTED)
        self.summary.phase = "merged"
        result: dict[str, Any] = {"upload": self.summary.as_json()}
        self.context.finish_with(partial(self._merge, undone, counts, result))
        self._report(1)
        return result

    def _load(self, session: Session) -> Undone:
        """Copy the images into temporary tables."""
        model = self.upload_type.model
        format_ = load_images(
            session,
            self.images,
            table=sql.Identifier(model._meta.db_table),
            pk=sql.Identifier(str(model._meta.pk.column)),
            check=self.context.check,
        )
        self._enter("staged", done=LOADED)
        return Undone(session, self.upload_type, cast("AbstractBaseUser", self.context.job.owner), format_)

    def _plan(self, undone: Undone) -> Reversed:
        """Plan what becomes of each row, and find those that a constraint has refused in an earlier attempt."""
        plan_reversal(undone)
        if self.is_rehearsed:
            rehearse(undone)
        counts = count_reversal(undone.session)
        if counts.total != self.images.row_count:
            raise WrongSumError(f"the upload changed {self.images.row_count:,} rows, but the plan has {counts}")
        self.summary.add(
            rowsTotal=counts.total,
            rowsReversed=counts.restored + counts.deleted,
            rowsRestored=counts.restored,
            rowsDeleted=counts.deleted,
            rowsKept=sum(counts.kept.values()),
            keptGroups=[{"code": reason, "count": number} for reason, number in counts.kept.items()],
        )
        self._enter("planned", done=PLANNED)
        return counts

    def _merge(self, undone: Undone, counts: Reversed, result: dict[str, Any]) -> None:
        try:
            with once_in_ledger(undone.session, self.context, result):
                if counts.restored or counts.deleted:
                    reverse(undone, counts)
        except PlanMovedError as error:
            raise begin_again(error, self.context.attempt) from error
        except RowsRefusedError as error:
            if self.is_rehearsed:  # each row alone would be accepted: to leave some out would not help
                raise error.refusal from None
            raise

    def _enter(self, phase: str, *, done: float) -> None:
        self.summary.phase = phase
        self.context.report_details(phase=phase)
        self._report(done)

    def _report(self, done: float) -> None:
        self.context.report_progress(int(self.images.row_count * done), total=self.images.row_count)


def _available_images(context: JobContext) -> Artifact:
    artifact = images_of(context.job.payload["undoes"])
    if artifact is None or artifact.deleted_at is not None:
        raise PermanentError(_("The old values of the rows have expired."), code="images-expired")
    try:
        require_stored(artifact.storage_name, artifact.size_bytes)
    except ArtifactMissingError:
        raise PermanentError(_("The storage has lost the old values of the rows."), code="images-lost") from None
    return artifact
