"""What the owner of a failed report can do about it."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from jobs.remedies import ASK, REMEDIES, UNKNOWN_TYPE, Action, Helps, Remedy

#: Code of the failure → remedy.
REMEDIES_OF_REPORTS: Final = {
    **REMEDIES,
    "cell-too-large": Remedy(
        _("Order a report without this column or these rows, or ask your administrator to raise the limit."),
        Action.CHANGE_PARAMETERS,
        Helps.CHANGING,
    ),
    "not-read-only": ASK,
    "unencodable-character": Remedy(
        _("Choose another encoding, such as UTF-8, or have the characters that it lacks written as question marks."),
        Action.CHANGE_FORMAT,
        Helps.CHANGING,
    ),
    "unknown-column": Remedy(
        _("Choose other columns. Without a choice, the report has all of them."),
        Action.CHANGE_PARAMETERS,
        Helps.CHANGING,
    ),
    "unknown-report-type": UNKNOWN_TYPE,
}
