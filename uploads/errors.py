"""The errors that end an upload as a whole."""

from __future__ import annotations

from jobs.errors import PermanentError


class FileError(PermanentError):
    """The file, or what it would do to the table, is refused as a whole. `code` is in `uploads.row_codes`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, code=code)
