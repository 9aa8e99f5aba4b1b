"""The error for a file that is not read at all."""

from __future__ import annotations

from typing import Any


class RecognitionError(ValueError):
    """The file cannot be read as a CSV file of this type.

    `code` is a file code such as `not-csv`. `detail` says in sentences what is wrong and what to do. `facts` are JSON
    values for programs.
    """

    def __init__(self, code: str, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.facts = facts
