"""The codes of failed jobs: those of `jobs.classification`, and those of callbacks, mails and tasks.

422: the job cannot succeed as it is. 500: it was tried as often as its kind allows.
"""

from __future__ import annotations

from typing import Final

from jobs.error_codes import ErrorCode, Retry

CODES: Final = [
    ErrorCode(
        "permanent-error", 422, "The job cannot succeed",
        "The job cannot be done; `detail` says why.",
        "Order something else, as `detail` says.", Retry.CHANGED,
    ),
    ErrorCode(
        "unknown-kind", 422, "Unknown kind of job",
        "The app that handled this kind of job is no longer installed.",
        "Ask the operators.", Retry.NO,
    ),
    ErrorCode(
        "secret-unreadable", 422, "Secret cannot be decrypted",
        "A secret parameter was encrypted with a key that the service no longer has.",
        "Place the order again, including the secret.", Retry.NO,
    ),
    ErrorCode(
        "query-refused", 422, "Query refused",
        "The database refused the query: a table or column is missing, or a value does not fit.",
        "Change the parameters. If that does not help, give the operators the id of the job.", Retry.CHANGED,
    ),
    ErrorCode(
        "retryable-error", 500, "The job failed",
        "The job failed for a reason that may be temporary; `detail` describes it.",
        "Retry later.", Retry.TRIED,
    ),
    ErrorCode(
        "worker-lost", 500, "Worker lost",
        "Workers ended several times in a row while they ran the job.",
        "Order less, such as a shorter period, or give the operators the id of the job.", Retry.TRIED,
    ),
    ErrorCode(
        "stalled", 500, "No progress",
        "The job made no progress for longer than its kind allows.",
        "Retry later, or order less.", Retry.TRIED,
    ),
    ErrorCode(
        "time-limit", 500, "Time limit exceeded",
        "The job or one of its queries exceeded its time limit.",
        "Order less, or retry when the database is less busy.", Retry.TRIED,
    ),
    ErrorCode(
        "out-of-memory", 500, "Out of memory",
        "The job needs more memory than its worker has.",
        "Order less.", Retry.TRIED,
    ),
    ErrorCode(
        "database-error", 500, "Database error",
        "The database was not reachable, or ended the query.",
        "Retry later.", Retry.TRIED,
    ),
    ErrorCode(
        "storage-full", 500, "Storage full",
        "The storage has no space left for the file.",
        "Retry later; the operators need to free space.", Retry.TRIED,
    ),
    ErrorCode(
        "file-lost", 500, "File lost",
        "The file was deleted or shortened in the storage while the job was writing it.",
        "Retry later; the operators need to check the storage.", Retry.TRIED,
    ),
    ErrorCode(
        "internal-error", 500, "Internal error",
        "The job failed for a reason that only the operators can see.",
        "Retry later. If it fails again, give the operators the id of the job.", Retry.TRIED,
    ),
    ErrorCode(
        "no-owner", 422, "No owner",
        "A callback: its user was deleted, so no secret can sign it.",
        "Nothing.", Retry.NO,
    ),
    ErrorCode(
        "endpoint-disabled", 422, "Endpoint disabled",
        "A callback: its URL is disabled, because it answered 410 to an earlier callback.",
        "Enable the endpoint, then replay the callback.", Retry.CHANGED,
    ),
    ErrorCode(
        "url-not-allowed", 422, "URL not allowed",
        "A callback: its URL is no longer allowed.",
        "Name another URL, or ask the operators to allow it.", Retry.CHANGED,
    ),
    ErrorCode(
        "receiver-unreachable", 422, "Receiver unreachable",
        "A callback: the receiver has failed for a whole day.",
        "Repair the receiver, then replay the callback.", Retry.CHANGED,
    ),
    ErrorCode(
        "gone", 422, "Receiver gone",
        "A callback: the receiver answered 410, and the endpoint was disabled.",
        "Enable the endpoint if it exists again, then replay the callback.", Retry.CHANGED,
    ),
    ErrorCode(
        "mail-refused", 422, "Mail refused",
        "A mail: the mail server refused the address or the mail for good, or the address is not valid.",
        "Correct the address of your account.", Retry.CHANGED,
    ),
    ErrorCode(
        "mail-unconfirmed", 422, "Mail unconfirmed",
        "A mail: it was sent twice, and the mail server did not say whether it took it. It may have arrived.",
        "Nothing.", Retry.NO,
    ),
    ErrorCode(
        "unknown-task", 422, "Unknown task",
        "A task: its function no longer exists, or the worker has an older version of the code.",
        "Deploy the code with the function, then requeue the job.", Retry.CHANGED,
    ),
    ErrorCode(
        "task-arguments", 422, "Arguments do not fit",
        "A task: its function does not take the arguments with which it was enqueued.",
        "Edit the arguments, or deploy a function that takes them, then requeue the job.", Retry.CHANGED,
    ),
    ErrorCode(
        "return-value", 422, "Return value cannot be stored",
        "A task: its function has run, but returned what cannot be stored as JSON, or too much of it.",
        "Let the function return less, or JSON.", Retry.CHANGED,
    ),
]  # fmt: skip
