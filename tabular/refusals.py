"""The error for a file that is not read at all."""

from __future__ import annotations

from tabular.sentences import Sentence


class RecognitionError(ValueError):
    """The file cannot be read as a CSV file of this type.

    `code` is a file code such as `not-csv`. `detail` says in sentences what is wrong and what to do. It is short,
    however long the headings and cells are that it names.
    """

    def __init__(self, code: str, detail: Sentence) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
