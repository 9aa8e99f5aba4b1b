"""What the owner of a failed report can do about it."""

from typing import Final

from jobs.remedies import ASK, REMEDIES, UNKNOWN_TYPE

#: Code of the failure → remedy.
REMEDIES_OF_REPORTS: Final = {
    **REMEDIES,
    "not-read-only": ASK,
    "query-refused": ASK,
    "unknown-report-type": UNKNOWN_TYPE,
}
