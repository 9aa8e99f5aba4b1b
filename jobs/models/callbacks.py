"""The tables of callbacks. Deliveries have no table: they are jobs of the kind `callback`."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

#: The longest URL of a callback in characters, all ASCII, so that it fits into an index.
LONGEST_URL: Final = 2000
#: The longest host with its port, in characters. A name has at most 253 (RFC 1035 section 2.3.4, without the last dot).
LONGEST_HOST: Final = 259


class Callback(models.Model):
    """A URL that is told when a job ends, as its order asked. Written in the transaction of the order."""

    job = models.ForeignKey("jobs.Job", on_delete=models.CASCADE, related_name="callbacks")
    url = models.CharField(max_length=LONGEST_URL)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"callback of {self.job_id}"


class CallbackSettings(models.Model):
    """The defaults of a user, for orders that name no URL."""

    owner = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+")
    url = models.CharField(max_length=LONGEST_URL, blank=True, help_text="empty: no callback")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"callback settings of {self.owner_id}"


class CallbackSecret(models.Model):
    """One of a user's signing secrets. Its value is derived from this row and SECRET_KEY."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, related_name="+")
    nonce = models.CharField(max_length=64, help_text="random, hexadecimal")
    key_mark = models.CharField(max_length=16, help_text="identifies the SECRET_KEY that it derives from")
    created_at = models.DateTimeField(db_default=Now())
    signs_until = models.DateTimeField(null=True, help_text="empty: until a newer secret exists")

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["owner", "-id"], name="jobs_callbacksecret_newest")]
        constraints = [
            models.UniqueConstraint(
                fields=["owner"], condition=Q(signs_until=None), name="jobs_callbacksecret_one_current"
            )
        ]

    def __str__(self) -> str:
        return f"secret {self.id}"


class CallbackEndpoint(models.Model):
    """A URL of a user that has answered 410 Gone at least once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, related_name="+")
    url = models.CharField(max_length=LONGEST_URL)
    host = models.CharField(max_length=LONGEST_HOST)
    disabled_at = models.DateTimeField(null=True, help_text="empty: enabled")
    reason = models.CharField(max_length=200)

    class Meta:
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["owner", "url"], name="jobs_callbackendpoint_once")]

    def __str__(self) -> str:
        return f"endpoint {self.id}"


class CallbackHost(models.Model):
    """A host to which one user's deliveries have failed since the last success; see `jobs.outbound.circuit`."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, related_name="+")
    host = models.CharField(max_length=LONGEST_HOST, help_text="with its port")
    failures = models.PositiveIntegerField(default=0, help_text="in a row")
    openings = models.PositiveIntegerField(
        default=0, help_text="how often the circuit has opened since the last success"
    )
    open_until = models.DateTimeField(
        null=True, help_text="nothing is sent before this time; then one delivery is a probe"
    )
    last_error = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ("view",)
        indexes = [models.Index(fields=["updated_at"], name="jobs_callbackhost_updated")]
        constraints = [models.UniqueConstraint(fields=["owner", "host"], name="jobs_callbackhost_once")]

    def __str__(self) -> str:
        return f"{self.host} of {self.owner_id}"
