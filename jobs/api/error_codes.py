"""The error codes of responses. `reports.error_codes` has those of the views of reports."""

from __future__ import annotations

from typing import Final

from jobs.error_codes import ErrorCode, Retry

CODES: Final = [
    ErrorCode(
        "bad-request", 400, "Bad request",
        "The request could not be read: its host is not served here, or its header fields or cookies are malformed.",
        "Correct the request.", Retry.CHANGED,
    ),
    ErrorCode(
        "malformed-body", 400, "Malformed body",
        "The body is not JSON, is nested too deep, repeats a key, or contains NUL or half of a surrogate pair.",
        "Correct the JSON; `detail` says what is wrong.", Retry.CHANGED,
    ),
    ErrorCode(
        "invalid-request", 400, "Invalid request",
        "A member of the body or a query parameter is missing, unknown or not valid.",
        "Correct what `errors` lists: a JSON pointer (or the name of the parameter) and a reason for each.",
        Retry.CHANGED,
    ),
    ErrorCode(
        "invalid-idempotency-key", 400, "Invalid idempotency key",
        "`Idempotency-Key` is not 1 to 255 printable ASCII characters, or contains a quote.",
        "Send a UUID.", Retry.CHANGED,
    ),
    ErrorCode(
        "not-authenticated", 401, "Not authenticated",
        "There is no token or session, or the token is wrong, expired or revoked.",
        "Send a valid token as `Authorization: Bearer TOKEN`.", Retry.CHANGED,
    ),
    ErrorCode(
        "permission-denied", 403, "Permission denied",
        "The account may not do this, or a request of a browser session lacks its CSRF token.",
        "Send `X-CSRFToken` with a session; else ask an administrator for the permission.", Retry.CHANGED,
    ),
    ErrorCode(
        "insufficient-scope", 403, "Insufficient scope",
        "The token lacks a scope; `WWW-Authenticate` names the scopes that the request needs.",
        "Use a token with these scopes.", Retry.CHANGED,
    ),
    ErrorCode(
        "not-found", 404, "Not found",
        "No such resource exists, it was deleted, or it belongs to another user.",
        "Check the id, and stop polling it.", Retry.NO,
    ),
    ErrorCode(
        "method-not-allowed", 405, "Method not allowed",
        "The resource does not support the method; `Allow` lists those that it supports.",
        "Use one of them.", Retry.CHANGED,
    ),
    ErrorCode(
        "not-acceptable", 406, "Not acceptable",
        "`/api/schema` is not available in a media type of `Accept`. Other resources ignore `Accept`.",
        "Accept `application/vnd.oai.openapi` or `application/vnd.oai.openapi+json`.", Retry.CHANGED,
    ),
    ErrorCode(
        "request-timeout", 408, "Request timeout",
        "The rest of the body did not arrive in time.",
        "Send the request again over a new connection, an order with its `Idempotency-Key`.", Retry.YES,
    ),
    ErrorCode(
        "idempotency-key-in-use", 409, "Idempotency key in use",
        "The first request with this `Idempotency-Key` is still being handled.",
        "Send the same request again.", Retry.AFTER,
    ),
    ErrorCode(
        "not-ready", 409, "Not ready",
        "The request is for the file of a job that is not complete.",
        "Poll the status, and download the file when the status is `Complete`.", Retry.AFTER,
    ),
    ErrorCode(
        "not-failed", 409, "Job has not failed",
        "The request retries a job that has not failed.",
        "Poll its status, or order another one.", Retry.NO,
    ),
    ErrorCode(
        "not-retryable", 409, "Not retryable",
        "The request retries a job whose type or parameters are no longer accepted; `detail` says which.",
        "Order it again.", Retry.NO,
    ),
    ErrorCode(
        "too-many-tokens", 409, "Too many tokens",
        "The user has as many tokens as one user may have.",
        "Revoke an unused token.", Retry.CHANGED,
    ),
    ErrorCode(
        "not-ended", 409, "Delivery has not ended",
        "A callback is replayed while it is still being delivered.",
        "Wait until the delivery has ended.", Retry.YES,
    ),
    ErrorCode(
        "not-disabled", 409, "Endpoint is not disabled",
        "The request enables an endpoint that is not disabled.",
        "Nothing to do: callbacks are already sent to it.", Retry.NO,
    ),
    ErrorCode(
        "no-callback-url", 409, "No callback URL",
        "A test callback is requested without `callbackURL`, and the settings have none.",
        "Name a `callbackURL` in the request or in the settings.", Retry.CHANGED,
    ),
    ErrorCode(
        "canceled", 410, "Canceled",
        "The request is for the file of a canceled job.",
        "Order it again.", Retry.NO,
    ),
    ErrorCode(
        "file-lost", 410, "File lost",
        "The file of a job is missing from the storage, or its size has changed since it was written.",
        "Order it again. The operators can see the damage.", Retry.NO,
    ),
    ErrorCode(
        "expired", 410, "Expired",
        "The file has expired and was deleted.",
        "Order it again.", Retry.NO,
    ),
    ErrorCode(
        "length-required", 411, "Length required",
        "The body is sent chunked, without a `Content-Length`.",
        "Send the body with a `Content-Length`.", Retry.CHANGED,
    ),
    ErrorCode(
        "precondition-failed", 412, "Precondition failed",
        "The resource has changed since the version that `If-Match` or `If-Unmodified-Since` names.",
        "Get the current version of the resource, then decide.", Retry.CHANGED,
    ),
    ErrorCode(
        "body-too-large", 413, "Body too large",
        "The body is larger than the limit that `detail` names.",
        "Send less.", Retry.CHANGED,
    ),
    ErrorCode(
        "unsupported-media-type", 415, "Unsupported media type",
        "The body is not JSON in UTF-8, or is sent with a `Content-Encoding`.",
        "Send `Content-Type: application/json`, in UTF-8, uncompressed.", Retry.CHANGED,
    ),
    ErrorCode(
        "range-not-satisfiable", 416, "Range not satisfiable",
        "The range begins after the end of the file; `Content-Range` has the size of the file.",
        "If you have that many bytes, the download is complete. Else ask for a range within the file.", Retry.CHANGED,
    ),
    ErrorCode(
        "idempotency-key-reused", 422, "Idempotency key reused",
        "The first request with this `Idempotency-Key` had another body.",
        "Use a new key for each order, and the same key only to send the same order again.", Retry.CHANGED,
    ),
    ErrorCode(
        "polling-too-fast", 429, "Polling too fast",
        "The state of a job is requested again and again before `Retry-After` is over. The job is not affected.",
        "Wait as long as `Retry-After` says before each poll.", Retry.AFTER,
    ),
    ErrorCode(
        "throttled", 429, "Too many requests",
        "The token or session has sent more requests within a minute than it may; `RateLimit-Policy` has the quota.",
        "Wait, and send fewer requests.", Retry.AFTER,
    ),
    ErrorCode(
        "owner-queue-full", 429, "Too many of your jobs are waiting",
        "As many of your own jobs are queued as one user may have queued. Nothing was accepted.",
        "Wait, or cancel a job.", Retry.AFTER,
    ),
    ErrorCode(
        "internal-error", 500, "Internal error",
        "The server failed. Its log has the reason, under the id of the request.",
        "Send the request again, an order with its `Idempotency-Key`. Report it if it persists.", Retry.YES,
    ),
    ErrorCode(
        "database-unavailable", 503, "Database unavailable",
        "The database is unavailable, read-only or overloaded, or took too long to answer.",
        "Wait. Repeat an order with its `Idempotency-Key`: it may have been accepted.", Retry.AFTER,
    ),
    ErrorCode(
        "storage-unavailable", 503, "Storage unavailable",
        "The storage that keeps the files does not answer. Orders are accepted and reports continue.",
        "Wait, then download the file.", Retry.AFTER,
    ),
    ErrorCode(
        "server-busy", 503, "Server busy",
        "All threads of the web server were busy. The request was not handled.",
        "Wait.", Retry.AFTER,
    ),
    ErrorCode(
        "queue-full", 503, "Queue full or closed",
        "The queue is full, or an operator has closed it. Nothing was accepted.",
        "Wait.", Retry.AFTER,
    ),
]  # fmt: skip
