"""The errors that end an upload as a whole."""

from __future__ import annotations

from typing import Any

from jobs.errors import PermanentError


class FileError(PermanentError):
    """The file, or what it would do to the table, is refused as a whole. `code` is in `uploads.row_codes`.

    `facts` are JSON for the status, such as the headings that were found.
    """

    def __init__(self, code: str, message: str, **facts: Any) -> None:
        super().__init__(message, code=code)
        self.facts = facts
