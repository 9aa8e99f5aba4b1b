"""The sum that must hold."""

import pytest

from uploads.ingest.accounting import WrongSumError, require_balance
from uploads.ingest.staging import Staged
from uploads.types import Counts


@pytest.mark.parametrize(
    ("counts", "expected_bytes", "holds"),
    [
        (Counts(inserted=1, updated=1, unchanged=1, failed=1, blank=1), 50, True),
        (Counts(inserted=1, updated=1, unchanged=1, failed=1, blank=1), None, True),
        (Counts(inserted=4), 50, False),
        (Counts(inserted=6), 50, False),
        (Counts(inserted=5), 49, False),
        (Counts(inserted=5), 51, False),
    ],
)
def test_each_record_has_one_outcome_and_each_byte_a_record(
    counts: Counts, expected_bytes: int | None, holds: bool
) -> None:
    staged = Staged(width=2, records=5, bytes=50)
    if holds:
        require_balance(counts, staged, expected_bytes=expected_bytes)
        return
    with pytest.raises(WrongSumError):
        require_balance(counts, staged, expected_bytes=expected_bytes)
