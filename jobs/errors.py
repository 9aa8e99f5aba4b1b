"""Every error that the life of a job can raise. `jobs.classification` decides about all other exceptions."""

from datetime import timedelta
from typing import Any, Literal

from django.utils.translation import gettext_noop as _


class JobError(Exception):
    """The base class of all errors below."""


class UnknownKindError(JobError):
    """No installed app registers the kind of the job."""


class AdmissionError(JobError):
    """A job was not accepted for now. `jobs.dispatch.throughput` estimates when there may be room.

    `limit` is the number of queued jobs that was reached; None if an operator has closed the queue or the type. `scope`
    tells whose limit it is, or what is closed.
    """

    def __init__(
        self,
        *,
        queue: str,
        scope: Literal["queue", "type", "owner"] = "queue",
        limit: int | None = None,
        type: str = "",  # noqa: A002
        owner_id: int | None = None,
    ) -> None:
        super().__init__(queue, scope, limit)
        self.queue = queue
        self.scope = scope
        self.limit = limit
        self.type = type
        self.owner_id = owner_id

    def __str__(self) -> str:
        """The sentence that the owner sees."""
        match self.scope, self.limit:
            case "queue", None:
                return f"The queue {self.queue} is closed: new orders are not accepted at the moment."
            case "type", None:
                return f"New orders of {self.type} are not accepted at the moment."
            case "type", limit:
                return f"{limit} jobs of type {self.type} are already queued, which is the maximum."
            case "owner", limit:
                return f"You have {limit} jobs waiting in the queue {self.queue}, which is the maximum."
        return f"The queue {self.queue} is full."


class OrderRefusedError(JobError):
    """The order of a schedule is no longer valid, or its owner may no longer place it. The message is for the owner."""


class IdempotencyError(JobError):
    """The Idempotency-Key of this request belongs to an earlier request."""


class IdempotencyKeyInUseError(IdempotencyError):
    """The first request with this key is still being processed."""


class IdempotencyKeyReusedError(IdempotencyError):
    """The first request with this key asked for something else."""


class TransitionError(JobError):
    """A guarded UPDATE did not change exactly one row: the job was in an unexpected state."""


class LeaseLostError(TransitionError):
    """This attempt's fencing token is no longer the job's: another attempt owns it now."""


class AttemptStoppedError(JobError):
    """The attempt must end before its handler has finished. `JobContext.check` raises it in the handler."""


class CancelRequestedError(AttemptStoppedError):
    """Somebody has requested that the job be canceled."""


class WorkerStoppingError(AttemptStoppedError):
    """The worker must stop before the job can finish, so the job is handed back."""


class PostponedError(AttemptStoppedError):
    """The job cannot run at the moment. It is handed back and waits; no attempt is used up. Handlers raise it.

    The owner sees the message, or `public` if the message is for the staff. The job waits for `delay`; without one it
    is retried after increasing delays (`jobs.worker.postponement`).
    """

    def __init__(self, message: str, *, public: str | None = None, delay: timedelta | None = None) -> None:
        super().__init__(message)
        self.public = public or message
        self.delay = delay


class StalledError(AttemptStoppedError):
    """The attempt made no progress for its kind's `stall_timeout_seconds`, and counts as lost."""


class WorkerLostError(AttemptStoppedError):
    """The worker process of the attempt is gone. Its parent process records it, or the sweep that rescues the job."""


class OutOfMemoryError(WorkerLostError):
    """The kernel ended the process, probably for lack of memory."""


class HardTimeLimitError(WorkerLostError):
    """The process was ended because the job exceeded Celery's hard time limit."""


class StatementTimeoutError(JobError):
    """A statement takes longer than the current value of the dial `statement_timeout_seconds`."""


class HandlerError(JobError):
    """Raised by a handler. The owner sees the message, so it must not contain secrets or internals.

    If the message is for the staff, the owner sees `public` instead.
    """

    def __init__(self, message: str, *, public: str | None = None) -> None:
        super().__init__(message)
        self.public = public or message


class RetryableError(HandlerError):
    """The cause may be temporary. If `retry_after_seconds` is set, the job is not retried earlier.

    Once no attempt is left, the API shows `code`.
    """

    def __init__(
        self,
        message: str,
        *,
        public: str | None = None,
        retry_after_seconds: float | None = None,
        code: str = "retryable-error",
    ) -> None:
        super().__init__(message, public=public)
        self.retry_after_seconds = retry_after_seconds
        self.code = code


class PermanentError(HandlerError):
    """A retry cannot help, so the job becomes a dead letter at once. The API shows `code`."""

    def __init__(self, message: str, *, code: str = "permanent-error", public: str | None = None) -> None:
        super().__init__(message, public=public)
        self.code = code


class RejectedError(PermanentError):
    """The input of the job was refused. The attempt's files are published although the job fails: they say why.

    `details` are added to the job's `result`. They are JSON without secrets.
    """

    def __init__(self, message: str, *, code: str, details: dict[str, Any]) -> None:
        super().__init__(message, code=code)
        self.details = details


class SecretUnreadableError(PermanentError):
    """A secret in a payload was encrypted with a key that is in neither SECRET_KEY nor SECRET_KEY_FALLBACKS."""

    def __init__(self, *, code: str = "secret-unreadable") -> None:
        super().__init__(
            _("A secret of this job cannot be decrypted, because the service's key has been replaced since."), code=code
        )


class ArtifactError(JobError):
    """The storage did not keep a file as it was written."""


class ArtifactMissingError(ArtifactError):
    """The file is gone."""


class ArtifactDamagedError(ArtifactError):
    """The file does not have as many bytes as were written."""


class StorageUnavailableError(JobError):
    """The storage did not answer in time, or refused. The file may still be there."""


class AttemptFailedError(JobError):
    """Raised by a Celery task to mark its result as failed. The job's row already has its state. No secrets."""
