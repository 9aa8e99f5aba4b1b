"""Why a link cannot be created or used."""

from jobs.errors import JobError


class UnknownLinkError(JobError):
    """The token is forged, or its link was deleted together with its job."""


class LinkEndedError(JobError):
    """The link was revoked or has expired, its file is gone, or the owner of the job is not active."""


class NotShareableError(JobError):
    """The job has no file that can be downloaded now."""


class TooManyLinksError(JobError):
    """The job has as many live links as allowed."""
