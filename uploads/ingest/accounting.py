"""The sum that must hold for every file: nothing is lost, and nothing is added."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from jobs.errors import PermanentError
from uploads.ingest.staging import Staged
from uploads.types import Counts


class WrongSumError(PermanentError):
    """The numbers of records or bytes do not add up, so nothing is written. This is an error of Longhaul."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message, code="wrong-sum", public=_("The rows of the file do not add up. Nothing was written.")
        )


def require_balance(counts: Counts, staged: Staged, *, expected_bytes: int | None) -> None:
    """Each record has one outcome, and each byte behind the headings is part of a record or of a blank line.

    `expected_bytes` is None for a file that is not in UTF-8: its records are staged with other bytes. Raises
    WrongSumError.
    """
    if counts.total != staged.records:
        raise WrongSumError(f"{staged.records:,} records were read, but the plan has {counts}")
    if expected_bytes is not None and staged.bytes != expected_bytes:
        raise WrongSumError(f"the records have {staged.bytes:,} bytes, but the file has {expected_bytes:,}")
