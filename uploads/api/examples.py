"""Examples for the OpenAPI schema: one upload, from its acceptance to its end."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample

ID: Final = "01994f2a-7c1e-7b3a-9d52-0a6c3e5f7b82"
CORRECTION_ID: Final = "01994f2f-1b40-7c55-8e0d-3f1c2a9b6d14"
_JOB: Final = {"id": ID, "uploadType": "order-lines", "createdAt": "2026-11-02T09:15:00.123456Z"}

QUEUED: Final = {
    **_JOB, "status": "Queued", "phase": "received", "progress": 0, "rowsProcessed": 0, "rowsTotal": None, "attempt": 0,
    "startedAt": None, "updatedAt": "2026-11-02T09:15:00.123456Z", "cancelURL": f"/api/uploads/{ID}",
    "queuePosition": 1,
}  # fmt: skip
COMPLETE: Final = {
    **_JOB, "status": "Complete", "uploadURL": f"/api/uploads/{ID}", "progress": 100, "phase": "merged",
    "bytesRead": 9_646_849, "rowsTotal": 200_000, "rowsInserted": 150_000, "rowsUpdated": 30_000,
    "rowsUnchanged": 20_000, "rowsFailed": 0, "rowsBlank": 0, "rowsSucceeded": 200_000, "encoding": "utf-8",
    "delimiter": ",", "completedAt": "2026-11-02T09:15:32.750000Z",
}  # fmt: skip
FAILED: Final = {
    **_JOB, "status": "Failed", "retryable": False, "progress": 60, "attempt": 1, "phase": "validated",
    "bytesRead": 9_646_849, "rowsTotal": 200_000, "rowsFailed": 2, "rowsBlank": 0, "encoding": "cp932",
    "delimiter": ";",
    "completedAt": "2026-11-02T09:15:44.000000Z", "errorReportURL": f"/api/uploads/{ID}/errors",
    "errorGroups": [{"code": "unknown-lookup", "column": "Product", "count": 2, "firstLines": [57, 912]}],
    "errorsPreview": [
        {
            "line": 57, "endLine": 57, "record": 56, "byte": 2703, "column": "Product", "code": "unknown-lookup",
            "message": "There is no product A-100.", "value": "A-100",
        },
    ],
    "correctedBy": [
        {
            "id": CORRECTION_ID, "status": "Complete", "dryRun": False, "rowsSucceeded": 200_000, "rowsFailed": 0,
            "createdAt": "2026-11-02T09:20:00.000000Z", "completedAt": "2026-11-02T09:20:31.000000Z",
            "statusURL": f"/api/uploads/{CORRECTION_ID}/status",
        },
    ],
    "correctionProgress": {
        "first": ID, "uploads": 2, "rowsRejected": 2, "rowsCorrected": 2, "rowsTotal": 200_000, "rowsWritten": 200_000,
        "detail": "2 of 2 rejected rows are now in. Of all rows of the first file, 200,000 of 200,000 are in.",
    },
    "error": {
        "type": "/api/errors#rows-rejected", "title": "Rows rejected", "status": 422,
        "detail": "2 of 200000 rows were rejected, so nothing was written.", "code": "rows-rejected",
    },
}  # fmt: skip


def _response(name: str, value: Any, status: str) -> OpenApiExample:
    return OpenApiExample(name, value, response_only=True, status_codes=[status])


OF_AN_ORDER: Final = [_response("accepted", QUEUED, "202")]
OF_A_STATUS: Final = [_response(name, value, "200") for name, value in {"complete": COMPLETE, "failed": FAILED}.items()]
