"""The error codes of reports, for the catalogue."""

from __future__ import annotations

from typing import Final

from jobs.error_codes import ErrorCode, Retry

OF_RESPONSES: Final = [
    ErrorCode(
        "unknown-report-type", 400, "Unknown report type",
        "`reportType` does not exist, or you may not order it.",
        "Use one of `reportTypes`.", Retry.CHANGED,
    ),
    ErrorCode(
        "not-ready", 409, "Not ready",
        "The request is for the file of a report that is not complete.",
        "Poll the status, and download the file when the status is `Complete`.", Retry.AFTER,
    ),
    ErrorCode(
        "report-failed", 409, "Report failed",
        "The request is for the file of a failed report.",
        "Read `error` in its status. A failed report can be retried: `POST …/retry`.", Retry.NO,
    ),
    ErrorCode(
        "not-failed", 409, "Report has not failed",
        "The request retries a report that has not failed.",
        "Poll its status, or order a new report.", Retry.NO,
    ),
    ErrorCode(
        "not-retryable", 409, "Not retryable",
        "The request retries a report whose type or parameters are no longer accepted; `detail` says which.",
        "Order a new report.", Retry.NO,
    ),
    ErrorCode(
        "canceled", 410, "Canceled",
        "The request is for the file of a canceled report.",
        "Order a new report.", Retry.NO,
    ),
    ErrorCode(
        "file-lost", 410, "File lost",
        "The file of a report is missing from the storage, or has another size than when it was written.",
        "Order a new report. The operators can see the damage.", Retry.NO,
    ),
    ErrorCode(
        "expired", 410, "Expired",
        "The file has expired and was deleted.",
        "Order a new report.", Retry.NO,
    ),
    ErrorCode(
        "preview-unavailable", 503, "Preview unavailable",
        "Too many previews are running, reports are paused, or the database does not answer.",
        "Wait, or order the report without a preview.", Retry.AFTER,
    ),
]  # fmt: skip

OF_JOBS: Final = [
    ErrorCode(
        "unknown-report-type", 422, "Unknown report type",
        "The report type no longer exists, or you may no longer order it.",
        "Order another report type.", Retry.NO,
    ),
    ErrorCode(
        "invalid-parameters", 422, "Invalid parameters",
        "The parameters were valid when the report was ordered and are not valid any more; `detail` says why.",
        "Order a new report with other parameters.", Retry.CHANGED,
    ),
    ErrorCode(
        "not-read-only", 422, "Query is not read-only",
        "The query of the report type changed the transaction or the database role that it was read in.",
        "Tell the author of the report type.", Retry.NO,
    ),
    ErrorCode(
        "cell-too-large", 422, "Cell too large",
        "A cell has more bytes than the operators allow (`MAX_CELL_BYTES`); `detail` names its column.",
        "Order a report without this column or these rows, or ask the operators to raise the limit.", Retry.CHANGED,
    ),
    ErrorCode(
        "unencodable-character", 422, "Character missing from the encoding",
        "A text contains a character that the encoding of the file lacks; `detail` names row, column and character.",
        'Order the report in UTF-8, or with `"errors": "replace"`, which writes `?` instead.', Retry.CHANGED,
    ),
]  # fmt: skip
