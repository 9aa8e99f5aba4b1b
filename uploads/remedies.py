"""What the owner of a failed upload can do about it."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from jobs.remedies import ASK, REMEDIES, UNKNOWN_TYPE, Action, Helps, Remedy
from uploads.row_codes import ROW_CODES

_SET_VALUES: Final = Remedy(
    _("Upload a file with the values that you want instead."), Action.CHANGE_FILE, Helps.CHANGING
)
_LESS: Final = Remedy(_("Split the file, and upload its parts."), Action.CHANGE_FILE, Helps.CHANGING)

#: Code of the failure → remedy. That of a file that was refused is the cure of its row code.
REMEDIES_OF_UPLOADS: Final = {
    **REMEDIES,
    **{
        code.code: Remedy(code.cure, Action.CHANGE_FILE, Helps.CHANGING)
        for code in ROW_CODES.values()
        if code.level == "file"
    },
    "already-undone": Remedy(_("The upload has already been undone by another one."), None, Helps.NOTHING),
    "images-expired": _SET_VALUES,
    "images-lost": _SET_VALUES,
    "out-of-memory": _LESS,
    "source-expired": Remedy(_("Upload the file again."), Action.CHANGE_FILE, Helps.CHANGING),
    "stalled": _LESS,
    "table-changed": _SET_VALUES,
    "time-limit": _LESS,
    "unknown-upload-type": UNKNOWN_TYPE,
    "wrong-sum": ASK,
}
