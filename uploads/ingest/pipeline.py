"""One attempt of an upload, step by step."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from django.utils.translation import gettext

from jobs.context import JobContext
from jobs.errors import RejectedError
from uploads.errors import FileError
from uploads.ingest.accounting import require_balance
from uploads.ingest.deciding import describe_plan, require_acceptable
from uploads.ingest.files import discard_images, store_errors, store_images, store_results
from uploads.ingest.formats import decide_formats
from uploads.ingest.ledger import once_in_ledger, result_of_earlier_attempt
from uploads.ingest.mending import with_mended_rows
from uploads.ingest.merging import PlanMovedError, begin_again, merge
from uploads.ingest.messages import Messages
from uploads.ingest.planning import analyze_plan, count_plan, make_plan
from uploads.ingest.python_checks import check_in_python
from uploads.ingest.reading import STAGED, StagedFile, recognize_file, require_headings, require_rows, stage_file
from uploads.ingest.session import Session, open_session, postponed_if_locked
from uploads.ingest.source import source_of
from uploads.ingest.summary import Summary
from uploads.ingest.target import Target, database_of
from uploads.ingest.turns import take_turn
from uploads.ingest.values import row_sql
from uploads.row_codes.warnings import ERRORS_CUT_OFF, MIXED_LINE_ENDS
from uploads.types import Counts, UploadType

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: How much of the work is done after each step, for the progress.
PLANNED, REPORTED = 0.6, 0.7


def ingest(context: JobContext, upload_type: UploadType) -> dict[str, Any]:
    """Run one attempt; returns the job's result. The merge happens when the job is finished.

    Raises RejectedError, whose details are the summary, if the file or its rows are refused; PermanentError if the file
    is gone; PostponedError, another AttemptStoppedError, LeaseLostError, or errors of database and storage.
    """
    alias = database_of(upload_type)
    if (done := result_of_earlier_attempt(context, alias)) is not None:
        return done
    attempt = Ingest(context, upload_type, alias)
    try:
        with postponed_if_locked():
            return attempt.run()
    except FileError as error:
        raise attempt.rejected(error) from error


class Ingest:
    """The order of the steps. What they find is handed on as values; only the summary grows."""

    def __init__(self, context: JobContext, upload_type: UploadType, alias: str) -> None:
        self.context = context
        self.upload_type = upload_type
        self.alias = alias
        self.owner = cast("AbstractBaseUser", context.job.owner)
        self.payload: dict[str, Any] = context.job.payload
        self.summary = Summary()
        self.source = source_of(context.job)

    def foresee(self) -> Counts:
        """What the upload would do, without waiting for its turn. Writes nothing; raises as `run` does."""
        session = open_session(self.context, self.upload_type, self.alias, name="longhaul inquiry")
        file = self._read(session)
        return self._plan(session, self._target(session, file), file)

    def run(self) -> dict[str, Any]:
        """All steps up to the merge, which `finish_with` is told."""
        session = open_session(self.context, self.upload_type, self.alias)
        session.end_earlier_ones()
        self.source = with_mended_rows(self.context, self.upload_type, self.source)
        file = self._read(session)
        target = self._target(session, file)
        messages = Messages(
            self.upload_type, first_line=file.recognized.first_line, one_line_each=file.staged.one_line_each
        )
        take_turn(session, self.upload_type.model._meta.db_table, self.context)
        if (done := result_of_earlier_attempt(self.context, self.alias)) is not None:  # it still had the turn
            return done
        counts = self._plan(session, target, file)
        if counts.failed:
            self._report_errors(session, file, messages)
        store_results(self.context, session, target)
        self.context.report_progress(int(counts.total * REPORTED))
        self._decide(session, target, counts, messages)
        if self.payload["dryRun"]:
            result: dict[str, Any] = {"upload": self.summary.as_json()}
        else:
            result = self._prepare_merge(session, target, counts)
        self.context.report_progress(counts.total, total=counts.total)
        return result

    def rejected(self, error: FileError) -> RejectedError:
        """The error that ends the job, with what is known about the file."""
        if self.summary.phase == "merged":
            self.summary.phase = "planned"
            discard_images(self.context)
        return RejectedError(str(error), code=error.code, details={"upload": self.summary.as_json()})

    def _read(self, session: Session) -> StagedFile:
        """What the file is, and its records in a temporary table."""
        recognized = recognize_file(self.context, self.upload_type, self.source)
        self.summary.add(**recognized.to_json(gettext))
        self._enter("recognized")
        file = stage_file(self.context, session, self.upload_type, self.source, recognized)
        self.summary.add(bytesRead=self.source.size_bytes)
        require_rows(file)
        if file.staged.mixes_line_ends:
            self.summary.warn(MIXED_LINE_ENDS)
        require_headings(session, file)
        self._enter("staged")
        self.context.report_progress(int(file.staged.records * STAGED), total=file.staged.records)
        self.context.report_details(bytesRead=self.source.size_bytes, rowsTotal=file.staged.records)
        return file

    def _target(self, session: Session, file: StagedFile) -> Target:
        """How the staged cells become values, which for some columns depends on all their cells, and where they go."""
        recognized, staged, connection = file.recognized, file.staged, session.connection
        of_file: dict[str, Any] = {"positions": recognized.positions, "token": staged.token}
        formats = decide_formats(connection, self.upload_type, delimiter=recognized.delimiter, **of_file)
        row = row_sql(connection, self.upload_type, user=self.owner, width=staged.width, formats=formats, **of_file)
        return Target(self.upload_type, self.owner, row, connection)

    def _plan(self, session: Session, target: Target, file: StagedFile) -> Counts:
        """Validate the records and plan what each does."""
        make_plan(session, target, file.staged)
        check_in_python(session, target, check=self.context.check)
        self._enter("validated")
        counts = count_plan(session, file.staged)
        require_balance(counts, file.staged, expected_bytes=file.bytes_of_records)
        self.summary.counts = counts
        self.context.report_progress(int(counts.total * PLANNED))
        return counts

    def _report_errors(self, session: Session, file: StagedFile, messages: Messages) -> None:
        report = store_errors(self.context, session, file, messages)
        self.summary.add(errorGroups=report.groups, errorsPreview=report.preview)
        if report.count > self.upload_type.max_errors:
            self.summary.warn(ERRORS_CUT_OFF, limit=f"{self.upload_type.max_errors:,}")

    def _decide(self, session: Session, target: Target, counts: Counts, messages: Messages) -> None:
        """Describe the plan, and go on only if it may be carried out."""
        facts = describe_plan(session, target, messages, order=self.payload)
        self.summary.add(**facts)
        self._enter("planned")
        require_acceptable(target, counts, order=self.payload, digest=facts.get("planDigest"))

    def _prepare_merge(self, session: Session, target: Target, counts: Counts) -> dict[str, Any]:
        """The result of a job that has merged, which happens when it is finished."""
        if counts.updated:
            analyze_plan(session)
        store_images(self.context, session, target, counts)
        self.summary.phase = "merged"
        result: dict[str, Any] = {"upload": self.summary.as_json()}
        self.context.finish_with(partial(self._merge, session, target, counts, result))
        return result

    def _merge(self, session: Session, target: Target, counts: Counts, result: dict[str, Any]) -> None:
        """Write the rows: in the transaction that finishes the job, or in one of their own database with a ledger."""
        try:
            with once_in_ledger(session, self.context, result):
                merge(session, target, counts)
            if session.governor:
                session.governor.tell()  # before the attempt has ended
        except PlanMovedError as error:
            end = begin_again(error, self.context.attempt)
            raise (self.rejected(end) if isinstance(end, FileError) else end) from error
        except FileError as error:
            raise self.rejected(error) from error

    def _enter(self, phase: str) -> None:
        self.summary.phase = phase
        self.context.report_details(phase=phase)
