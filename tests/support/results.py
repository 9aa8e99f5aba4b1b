"""How a job ended."""

from dataclasses import dataclass
from typing import Any

from jobs.models import Job


@dataclass(frozen=True)
class Finished:
    """A job that ran in this process, and the bytes of its file, if it has one."""

    job: Job
    content: bytes | None

    @property
    def error(self) -> tuple[str, str]:
        """The code and the detail of what went wrong."""
        error = (self.job.result or {})["error"]
        return error["code"], error["detail"]


def told(job: Job) -> dict[str, Any]:
    """The error that the owner of a failed job sees."""
    error: dict[str, Any] = (job.result or {})["error"]
    return error
