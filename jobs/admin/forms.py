"""What staff are asked before something is done."""

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget


def token_of(text: str) -> int | None:
    """A fencing token as a page sent it back; None for anything else."""
    return int(text) if text.isdecimal() and len(text) < 19 else None


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        max_length=1000,
        label="Reason",
        help_text="It is kept in the audit trail, and in the timeline of each job.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )
