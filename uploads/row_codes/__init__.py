"""The codes of all errors that a file, a record or a cell of an upload can have. docs/uploads.md lists them from here.

A constant holds the code itself, as it stands in the status and in the errors file: `TYPE_ERROR == "type-error"`.
There is a module of constants for each level. `ROW_CODES` explains each code, and `message_for` writes the sentence of
one error.
"""

from uploads.row_codes import cells, files, records, warnings  # noqa: F401  (they add their codes)
from uploads.row_codes.code import ROW_CODES, TYPES, Level, message_for

__all__ = ["ROW_CODES", "TYPES", "Level", "message_for"]
