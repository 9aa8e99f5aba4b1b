"""Conditions on rows that several queries share."""

from __future__ import annotations

from typing import Final

from django.db.models import Exists, OuterRef

from jobs.models.callbacks import Callback

#: Whether the end of a job is to be announced, for an UPDATE that ends the job again.
CALLS_BACK: Final = Exists(Callback.objects.filter(job=OuterRef("pk")))
