"""The table of bearer tokens: knox's, with a name, scopes, limits and the time of the last use."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from knox.models import AbstractAuthToken
from uuid_utils.compat import uuid7


class ApiToken(AbstractAuthToken):  # type: ignore[misc]  # knox has no types
    """A token of a user. Only its SHA-512 is stored. It has 256 random bits, so the hash needs no salt."""

    id = models.UUIDField(unique=True, default=uuid7, editable=False)
    name = models.CharField(max_length=100, blank=True, help_text="what it is for, in its owner's words")
    scopes = ArrayField(models.CharField(max_length=50), default=list, help_text="see `jobs.tokens.scopes`")
    last_used_at = models.DateTimeField(null=True, help_text="accurate to the minute")
    requests_per_minute = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="requests; empty: API_REQUESTS_PER_MINUTE"
    )
    issued_by = models.ForeignKey(
        "self",
        null=True,
        editable=False,
        on_delete=models.CASCADE,
        to_field="id",
        related_name="issued",
        help_text="the token that created it, and is revoked with it; empty: a person created it",
    )

    class Meta:
        ordering = ("-id",)
        verbose_name = "token"

    def __str__(self) -> str:
        return f"{self.name or 'token'} {self.token_key}…"
