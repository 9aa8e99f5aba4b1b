"""What the owner of a failed call can do about it."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from jobs.remedies import ASK, REMEDIES, UNKNOWN_TYPE, Action, Helps, Remedy

LATER: Final = Remedy(
    _("Try again later. What the call has already done is not repeated."), Action.TRY_AGAIN, Helps.WAITING
)
OTHER_PARAMETERS: Final = Remedy(
    _("Check the parameters: a remote service refused them."), Action.CHANGE_PARAMETERS, Helps.CHANGING
)

#: Code of the failure → remedy.
REMEDIES_OF_CALLS: Final = {
    **REMEDIES,
    "deadline-exceeded": LATER,
    "remote-failed": LATER,
    "remote-unanswered": LATER,
    "remote-refused": OTHER_PARAMETERS,
    "answer-too-large": Remedy(
        _("Ask for less, or ask your administrator to raise the limit."), Action.CHANGE_PARAMETERS, Helps.CHANGING
    ),
    "address-not-allowed": Remedy(_("Use a URL with a public address."), Action.CHANGE_PARAMETERS, Helps.CHANGING),
    "url-invalid": Remedy(_("Use another URL. It must begin with https://."), Action.CHANGE_PARAMETERS, Helps.CHANGING),
    "step-changed": ASK,
    "step-invalid": ASK,
    "step-result-invalid": ASK,
    "step-result-lost": ASK,
    "unknown-call-type": UNKNOWN_TYPE,
}
