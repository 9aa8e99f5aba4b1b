"""Every error that the life of a job can raise.

```
JobError
├── UnknownKindError        no installed app registers the job's kind
├── AdmissionError          the queue accepts no more jobs for now, from anybody or from this owner
├── IdempotencyError        a request with an Idempotency-Key is not the first one with it
│   ├── IdempotencyKeyInUseError   … which is still being handled
│   └── IdempotencyKeyReusedError  … which asked for something else
├── TransitionError         a guarded UPDATE did not change exactly one row
│   └── LeaseLostError      … because this attempt no longer owns the job
├── AttemptStoppedError     an attempt is to end before its handler has done its work
│   ├── CancelRequestedError  … because somebody cancels the job
│   ├── WorkerStoppingError   … because the worker was told to stop: the job is handed back
│   ├── PostponedError        … because what it needs is not there: the job is handed back, and waits a while
│   ├── StalledError          … because it makes no progress: it counts as lost
│   └── WorkerLostError       … because its worker process is gone; its parent or the end of the lease tells
│       ├── OutOfMemoryError    … probably ended by the kernel for lack of memory
│       └── HardTimeLimitError  … ended because the job took too long
├── StatementTimeoutError   a statement takes longer than the dial says
├── HandlerError            what a handler raises to say what may be done about it
│   ├── RetryableError      may be cured by trying again
│   └── PermanentError      cannot be: dead-letter at once
├── ArtifactError           storage did not keep a file as it was written
│   ├── ArtifactMissingError  … it is gone
│   └── ArtifactDamagedError  … it has another number of bytes
├── StorageUnavailableError  storage does not say what has become of a file
└── AttemptFailedError      what a Celery task raises so that its result says that its attempt failed
```

`jobs.classification` decides about every other exception.
"""

from datetime import timedelta
from typing import Literal


class JobError(Exception):
    """The root of this tree."""


class UnknownKindError(JobError):
    """No installed app registers the job's kind."""


class AdmissionError(JobError):
    """A job was not accepted. The facts only: `jobs.dispatch.throughput` says when there may be room.

    `limit` is the number of queued jobs that is reached; None: an operator has closed the queue or the type. `scope`
    says whose limit it is, or what is closed.
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
        """A sentence for the owner of the job."""
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


class IdempotencyError(JobError):
    """The Idempotency-Key of this request belongs to another request."""


class IdempotencyKeyInUseError(IdempotencyError):
    """The first request with this key is still being handled."""


class IdempotencyKeyReusedError(IdempotencyError):
    """The first request with this key asked for something else."""


class TransitionError(JobError):
    """A transition found the job in an unexpected state."""


class LeaseLostError(TransitionError):
    """This attempt's fencing token is no longer the job's: another attempt owns it now."""


class AttemptStoppedError(JobError):
    """The attempt ends before its handler has done its work. Raised in the handler, by `JobContext.check`."""


class CancelRequestedError(AttemptStoppedError):
    """A cancellation of the job was requested."""


class WorkerStoppingError(AttemptStoppedError):
    """The worker was told to stop, and the job takes longer than a worker may take to do so."""


class PostponedError(AttemptStoppedError):
    """What the job needs is not there for now; it is to wait, and no attempt is used up. Raised by handlers.

    Its message is shown to the owner, or `public` where the message is for the staff. The job waits for `delay`;
    without one it looks again soon, and then later and later (`jobs.worker.postponement`).
    """

    def __init__(self, message: str, *, public: str | None = None, delay: timedelta | None = None) -> None:
        super().__init__(message)
        self.public = public or message
        self.delay = delay


class StalledError(AttemptStoppedError):
    """The attempt has made no progress for its kind's `stall_timeout_seconds`."""


class WorkerLostError(AttemptStoppedError):
    """The worker process of an attempt is gone. Recorded by the process's parent, or by whoever rescues the job."""


class OutOfMemoryError(WorkerLostError):
    """The kernel ended it, probably for lack of memory."""


class HardTimeLimitError(WorkerLostError):
    """It was ended because the job outlasted Celery's hard time limit."""


class StatementTimeoutError(JobError):
    """A statement takes longer than the dial `statement_timeout_seconds` says by now."""


class HandlerError(JobError):
    """Raised by a handler. Its message is shown to the owner: no secrets, no internals.

    `public` is shown instead where the message is for the staff.
    """

    def __init__(self, message: str, *, public: str | None = None) -> None:
        super().__init__(message)
        self.public = public or message


class RetryableError(HandlerError):
    """The cause may pass: try again after a while; not before `retry_after_seconds`, where somebody has said so."""

    def __init__(self, message: str, *, public: str | None = None, retry_after_seconds: float | None = None) -> None:
        super().__init__(message, public=public)
        self.retry_after_seconds = retry_after_seconds


class PermanentError(HandlerError):
    """Trying again cannot help. `code` is the machine-readable word that the API shows."""

    def __init__(self, message: str, *, code: str = "permanent-error", public: str | None = None) -> None:
        super().__init__(message, public=public)
        self.code = code


class SecretUnreadableError(PermanentError):
    """A secret in a payload was encrypted with a key that is in neither SECRET_KEY nor SECRET_KEY_FALLBACKS."""

    def __init__(self, *, code: str = "secret-unreadable") -> None:
        super().__init__(
            "A secret of this job cannot be decrypted, because the service's key has been replaced since.", code=code
        )


class ArtifactError(JobError):
    """Storage did not keep a file as it was written."""


class ArtifactMissingError(ArtifactError):
    """The file is gone."""


class ArtifactDamagedError(ArtifactError):
    """The file has another number of bytes than were written."""


class StorageUnavailableError(JobError):
    """The storage did not answer in time, or refused: the file may be there all the same."""


class AttemptFailedError(JobError):
    """The attempt that a Celery task ran has failed; the job's row says already what becomes of it. No secrets."""
