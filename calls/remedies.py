"""What the owner of a failed call can do about it."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from jobs.remedies import ASK, REMEDIES, UNKNOWN_TYPE, Action, Helps, Remedy

#: Code of the failure → remedy.
REMEDIES_OF_CALLS: Final = {
    **REMEDIES,
    "deadline-exceeded": Remedy(
        _("Try again later. What the call has already done is not repeated."), Action.TRY_AGAIN, Helps.WAITING
    ),
    "step-changed": ASK,
    "step-name-invalid": ASK,
    "step-result-invalid": ASK,
    "step-result-lost": ASK,
    "unknown-call-type": UNKNOWN_TYPE,
}
