"""The error codes of calls, for the catalog."""

from __future__ import annotations

from typing import Final

from jobs.error_codes import ErrorCode, Retry

OF_RESPONSES: Final = [
    ErrorCode(
        "unknown-call-type", 400, "Unknown call type",
        "`callType` does not exist, or you may not order it.",
        "Use one of `callTypes`.", Retry.CHANGED,
    ),
    ErrorCode(
        "call-failed", 409, "Call failed",
        "The request is for the result of a failed call.",
        "Read `error` in its status. A failed call can be retried: `POST …/retry`.", Retry.NO,
    ),
]  # fmt: skip

_AUTHOR: Final = "Tell the author of the call type."

OF_JOBS: Final = [
    ErrorCode(
        "unknown-call-type", 422, "Unknown call type",
        "The call type no longer exists, or you may no longer order it.",
        "Order another call type.", Retry.NO,
    ),
    ErrorCode(
        "deadline-exceeded", 422, "Deadline exceeded",
        "The call did not end within the time that its type allows, as a remote service was too slow or closed.",
        "Retry the call; what it has done is not repeated.", Retry.AFTER,
    ),
    ErrorCode(
        "remote-failed", 500, "Remote service failed",
        "A remote service answered with a server error, or with something that is not JSON; `detail` names it.",
        "Retry later; what the call has done is not repeated.", Retry.TRIED,
    ),
    ErrorCode(
        "remote-unanswered", 500, "Remote service did not answer",
        "A remote service could not be reached, or did not answer in time; `detail` names it.",
        "Retry later; what the call has done is not repeated.", Retry.TRIED,
    ),
    ErrorCode(
        "remote-refused", 422, "Remote service refused",
        "A remote service refused a request of the call; `detail` has the status of its answer.",
        "Check the parameters.", Retry.CHANGED,
    ),
    ErrorCode(
        "answer-too-large", 422, "Answer too large",
        "A remote service sent more bytes than the call type allows.",
        "Ask for less, or tell the author of the call type.", Retry.CHANGED,
    ),
    ErrorCode(
        "address-not-allowed", 422, "Address not allowed",
        "A URL of the call leads to an address that requests may not be sent to, such as a private one.",
        "Use a URL with a public address.", Retry.CHANGED,
    ),
    ErrorCode(
        "url-invalid", 422, "Invalid URL",
        "A URL of the call is not valid, or does not use https; `detail` says why.",
        "Order the call with another URL.", Retry.CHANGED,
    ),
    ErrorCode(
        "step-changed", 422, "Step changed",
        "The call type was changed while the call was waiting, and its next attempt would not do the same as before.",
        _AUTHOR, Retry.NO,
    ),
    ErrorCode(
        "step-invalid", 422, "Invalid step",
        "A step of the call type has a name that is not valid or used twice, or an item or a header that is not valid.",
        _AUTHOR, Retry.NO,
    ),
    ErrorCode(
        "step-result-invalid", 422, "Result cannot be stored",
        "The result of a step, or of the call, is not JSON.",
        _AUTHOR, Retry.NO,
    ),
    ErrorCode(
        "step-result-lost", 422, "Stored result lost",
        "The file with the result of a step that is done was lost, and the step is not repeated.",
        "Order a new call, if repeating its requests is safe.", Retry.NO,
    ),
]  # fmt: skip
