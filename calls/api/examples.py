"""Examples for the OpenAPI schema: one order, from its acceptance to its result."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample

ID: Final = "01994f2a-7c1e-7b3a-9d52-0a6c3e5f7b81"
_JOB: Final = {"id": ID, "callType": "enrich-companies", "createdAt": "2026-11-02T09:15:00.123456Z"}

QUEUED: Final = {
    **_JOB, "status": "Queued", "progress": 0, "stepsDone": 0, "stepsTotal": None, "attempt": 0,
    "startedAt": None, "updatedAt": "2026-11-02T09:15:00.123456Z", "cancelURL": f"/api/calls/{ID}", "queuePosition": 1,
}  # fmt: skip
POSTPONED: Final = {
    **_JOB, "status": "Queued", "progress": 40, "stepsDone": 80, "stepsTotal": 200, "attempt": 0,
    "startedAt": None, "updatedAt": "2026-11-02T09:15:02.500000Z", "cancelURL": f"/api/calls/{ID}",
    "queuePosition": None, "retryAt": "2026-11-02T09:16:02.500000Z",
    "waitingFor": "The remote service has asked to wait.",
}  # fmt: skip
RUNNING: Final = {
    **_JOB, "status": "In Progress", "estimatedTimeRemaining": "31 seconds", "estimatedSecondsRemaining": 31,
    "progress": 42, "stepsDone": 84, "stepsTotal": 200, "attempt": 1, "startedAt": "2026-11-02T09:16:03.500000Z",
    "updatedAt": "2026-11-02T09:16:24.250000Z", "cancelURL": f"/api/calls/{ID}", "queuePosition": None,
}  # fmt: skip
COMPLETE: Final = {
    **_JOB, "status": "Complete", "callURL": f"/api/calls/{ID}/result", "progress": 100, "stepsDone": 200,
    "stepsTotal": 200, "completedAt": "2026-11-02T09:16:52.750000Z",
}  # fmt: skip
FAILED: Final = {
    **_JOB, "status": "Failed", "retryable": False, "progress": 42, "stepsDone": 84, "stepsTotal": 200, "attempt": 1,
    "completedAt": "2026-11-02T10:15:00.000000Z",
    "error": {
        "type": "/api/errors#deadline-exceeded", "title": "Deadline exceeded", "status": 422,
        "detail": "The call did not end within 60 minutes.", "code": "deadline-exceeded",
    },
}  # fmt: skip
ORDER: Final = {"callType": "enrich-companies", "parameters": {"vat": ["DE811569869", "FR40303265045"]}}


def _response(name: str, value: Any, status: str) -> OpenApiExample:
    return OpenApiExample(name, value, response_only=True, status_codes=[status])


OF_AN_ORDER: Final = [OpenApiExample("order", ORDER, request_only=True), _response("accepted", QUEUED, "202")]
OF_A_STATUS: Final = [
    _response(name, value, "200")
    for name, value in {"in progress": RUNNING, "postponed": POSTPONED, "complete": COMPLETE, "failed": FAILED}.items()
]
