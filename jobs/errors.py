"""Every error that the life of a job can raise.

```
JobError
├── UnknownKindError        no installed app registers the job's kind
├── AdmissionError          the queue takes no more jobs for now
│   ├── QueueFullError      … of anybody
│   └── OwnerQueueFullError … of this owner
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

What becomes of any other exception is for `jobs.classification` to say.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import cached_property


class JobError(Exception):
    """The root of this tree."""


class UnknownKindError(JobError):
    """No installed app registers the job's kind."""


class AdmissionError(JobError):
    """The queue takes no more jobs for now; ask again after `retry_after` seconds.

    `limit` is the number of waiting jobs that is reached; None: the queue is closed. `of_type`: it is the limit of a
    type of jobs, or the type that is closed.
    """

    is_owners = False

    def __init__(self, message: str, *, limit: int | None = None, of_type: bool = False) -> None:
        super().__init__(message)
        self.limit = limit
        self.of_type = of_type
        #: Looks up when to come back.
        self.when: Callable[[], int] = lambda: 0

    @cached_property
    def retry_after(self) -> int:
        """Looked up when it is asked for: by whoever answers, once nothing is locked any more."""
        return self.when()


class QueueFullError(AdmissionError):
    """The queue is full, or closed by an operator."""


class OwnerQueueFullError(AdmissionError):
    """This owner has as many jobs waiting as one may have."""

    is_owners = True


class IdempotencyError(JobError):
    """The Idempotency-Key of this request belongs to another request."""


class IdempotencyKeyInUseError(IdempotencyError):
    """The first request with this key is still being handled."""

    retry_after = 1


class IdempotencyKeyReusedError(IdempotencyError):
    """The first request with this key asked for something else."""


class TransitionError(JobError):
    """A transition found the job in another state than the one it starts from."""


class LeaseLostError(TransitionError):
    """This attempt's fencing token is no longer the job's: somebody else owns it now."""


class AttemptStoppedError(JobError):
    """The attempt ends before its handler has done its work. Raised in the handler, by `JobContext.check`."""


class CancelRequestedError(AttemptStoppedError):
    """Somebody cancels the job."""


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
