"""What staff are asked before something is done."""

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        max_length=1000,
        label="Reason",
        help_text="It is kept in the audit trail, and in the timeline of each job.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )
