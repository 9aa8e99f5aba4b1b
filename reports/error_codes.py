"""The error codes of reports, for the catalog."""

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
        "report-failed", 409, "Report failed",
        "The request is for the file of a failed report.",
        "Read `error` in its status. A failed report can be retried: `POST …/retry`.", Retry.NO,
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
        "The parameters were valid when the report was ordered but no longer are; `detail` says why.",
        "Order a new report with other parameters.", Retry.CHANGED,
    ),
    ErrorCode(
        "not-read-only", 422, "Query is not read-only",
        "The query of the report type changed the transaction or the database role that it ran in.",
        "Tell the author of the report type.", Retry.NO,
    ),
    ErrorCode(
        "unknown-column", 422, "Unknown column",
        "The order chooses a column that the query does not return, or that several of its columns are called; "
        "`detail` names it.",
        "Order a report with other `columns`. A preview without `columns` shows all of them.", Retry.CHANGED,
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
