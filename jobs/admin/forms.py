"""What staff are asked before something is done."""

from collections.abc import Iterable

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget


def token_of(text: str) -> int | None:
    """A fencing token as a page sent it back; None for anything else."""
    return int(text) if text.isdecimal() and len(text) < 19 else None


def known(name: str, names: Iterable[str], what: str) -> str:
    """A name that is one of `names`. Raises ValidationError, which tells them."""
    if name not in names:
        raise ValidationError(f"There is no such {what}. There are: {', '.join(names) or 'none'}.")
    return name


def known_database(alias: str) -> str:
    """An alias of the settings, or nothing. Raises ValidationError."""
    return known(alias, list(settings.DATABASES), "database") if alias else ""


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        max_length=1000,
        label="Reason",
        help_text="It is kept in the audit trail, and in the timeline of each job.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )
