"""Examples for the OpenAPI schema: one order, from its acceptance to its file."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample

ID: Final = "01994f2a-7c1e-7b3a-9d52-0a6c3e5f7b81"
_JOB: Final = {"id": ID, "reportType": "yearly-sales", "createdAt": "2026-11-02T09:15:00.123456Z"}

QUEUED: Final = {
    **_JOB, "status": "Queued", "progress": 0, "rowsProcessed": 0, "rowsTotal": None, "attempt": 0,
    "startedAt": None, "updatedAt": "2026-11-02T09:15:00.123456Z", "cancelURL": f"/api/reports/{ID}",
    "queuePosition": 3, "estimatedWaitSeconds": 40, "estimatedTimeRemaining": "95 seconds",
    "estimatedSecondsRemaining": 95,
}  # fmt: skip
RUNNING: Final = {
    **_JOB, "status": "In Progress", "estimatedTimeRemaining": "31 seconds", "estimatedSecondsRemaining": 31,
    "progress": 42, "rowsProcessed": 630_000, "rowsTotal": 1_500_000, "attempt": 1,
    "startedAt": "2026-11-02T09:15:38.500000Z", "updatedAt": "2026-11-02T09:16:01.250000Z",
    "cancelURL": f"/api/reports/{ID}", "queuePosition": None,
}  # fmt: skip
COMPLETE: Final = {
    **_JOB, "status": "Complete", "reportURL": f"/api/reports/{ID}/download", "progress": 100,
    "rowCount": 1_500_000, "sizeBytes": 96_468_992, "encoding": "utf-8",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "completedAt": "2026-11-02T09:16:32.750000Z", "expiresAt": "2026-11-09T09:16:32.750000Z",
}  # fmt: skip
FAILED: Final = {
    **_JOB, "status": "Failed", "retryable": False, "progress": 12, "attempt": 1,
    "completedAt": "2026-11-02T09:15:44.000000Z",
    "error": {
        "type": "/api/errors#unencodable-character", "title": "Character missing from the encoding", "status": 422,
        "detail": "Row 57, column name: cp932 has no character for U+1F600.", "code": "unencodable-character",
    },
}  # fmt: skip
ORDER: Final = {
    "reportType": "yearly-sales", "parameters": {"year": 2023}, "csv": {"encoding": "utf-8-sig", "delimiter": ";"},
    "columns": ["Category", "Month", "Revenue (USD)"],
}  # fmt: skip


def _response(name: str, value: Any, status: str) -> OpenApiExample:
    return OpenApiExample(name, value, response_only=True, status_codes=[status])


OF_AN_ORDER: Final = [OpenApiExample("order", ORDER, request_only=True), _response("accepted", QUEUED, "202")]
OF_A_STATUS: Final = [
    _response(name, value, "200")
    for name, value in {"in progress": RUNNING, "complete": COMPLETE, "failed": FAILED}.items()
]
