"""What can go wrong with a resumable upload; the views answer with problems."""

from __future__ import annotations

from uploads.models import UploadPart


class ResumableError(Exception):
    """The base class of the errors below."""


class WrongOffsetError(ResumableError):
    """The request does not begin where the stored bytes end, at `expected`."""

    def __init__(self, expected: int) -> None:
        super().__init__(f"The next byte of this upload is number {expected}.")
        self.expected = expected


class FinishingError(ResumableError):
    """All bytes have arrived, and another request is making the upload of them."""


class OvertakenError(ResumableError):
    """Another request has taken the upload over, or has deleted it."""


class PartLostError(ResumableError):
    """The storage no longer has all bytes of `part`, which was stored and committed."""

    def __init__(self, part: UploadPart) -> None:
        super().__init__(f"{part.storage_name} is missing or damaged")
        self.part = part


class TooManyError(ResumableError):
    """The user has `limit` unfinished uploads, which is the maximum."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"You have {limit} unfinished resumable uploads, which is the maximum.")
        self.limit = limit
