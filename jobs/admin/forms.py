"""The form that staff fill in before an action, and checks of fields."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget


def parse_fencing_token(text: str) -> int | None:
    """The fencing token that a page sent back; None for any other text."""
    return int(text) if text.isdecimal() and len(text) < 19 else None


def validate_choice(name: str, names: Iterable[str], noun: str) -> str:
    """Return the name if it is one of `names`. Raises ValidationError, which lists them."""
    if name not in names:
        raise ValidationError(f"There is no such {noun}. Available: {', '.join(names) or 'none'}.")
    return name


def validate_database(alias: str) -> str:
    """Return the alias if it is empty or the settings define it. Raises ValidationError."""
    return validate_choice(alias, list(settings.DATABASES), "database") if alias else ""


class ReasonForm(forms.Form):
    """Asks for the reason of an action."""

    reason = forms.CharField(
        max_length=1000,
        label="Reason",
        help_text="Kept in the audit trail, and in the timeline of each job.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )

    def values(self) -> dict[str, Any]:
        """What the action is given."""
        return self.cleaned_data
