"""Conditions that several queries share."""

from typing import Final

from django.db.models import Exists, OuterRef

from jobs.models.callbacks import Callback

#: Whether the end of a job must be announced, for an UPDATE that makes the job end again.
CALLS_BACK: Final = Exists(Callback.objects.filter(job=OuterRef("pk")))
