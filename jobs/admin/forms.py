"""Forms that staff fill in before an action, and checks of their fields."""

from collections.abc import Iterable

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget


def token_of(text: str) -> int | None:
    """A fencing token as a page sent it back; None for anything else."""
    return int(text) if text.isdecimal() and len(text) < 19 else None


def validate_choice(name: str, names: Iterable[str], what: str) -> str:
    """Return the name if it is one of `names`. Raises ValidationError, which lists them."""
    if name not in names:
        raise ValidationError(f"There is no such {what}. There are: {', '.join(names) or 'none'}.")
    return name


def validate_database(alias: str) -> str:
    """Return the alias if the settings name it, or an empty one. Raises ValidationError."""
    return validate_choice(alias, list(settings.DATABASES), "database") if alias else ""


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        max_length=1000,
        label="Reason",
        help_text="It is kept in the audit trail, and in the timeline of each job.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )
