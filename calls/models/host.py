"""Remote hosts and the turns to call them: limits, closings and circuits that all workers share."""

from __future__ import annotations

from typing import Final

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

#: The longest host with its port, in characters. A name has at most 253 (RFC 1035 section 2.3.4, without the last dot).
LONGEST_HOST: Final = 259


class Host(models.Model):
    """One remote host: its dials, which staff change, and its state, which only `calls.hosts.statements` changes.

    A host that no call type declares has a row only while it is closed or fails.
    """

    host = models.CharField(
        primary_key=True, max_length=LONGEST_HOST, help_text="in lower case, with its port if the URL names one"
    )
    declared = models.BooleanField(default=False, help_text="a call type declares it; the row stays")
    in_flight = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="requests at the same time, over all workers; empty: no limit",
    )
    per_second = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.001)],
        help_text="requests that begin per second, over all workers; empty: no limit",
    )
    taken = models.PositiveIntegerField(
        default=0, help_text="requests in flight: the number of its turns; not counted without a limit"
    )
    next_at = models.DateTimeField(null=True, help_text="when the next request may begin, by per_second")
    closed_until = models.DateTimeField(null=True, help_text="nothing is sent before this time")
    closed_reason = models.CharField(max_length=200, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="in a row")
    openings = models.PositiveIntegerField(default=0, help_text="how often the circuit opened since the last success")
    open_until = models.DateTimeField(
        null=True, help_text="the circuit is open: nothing is sent before this time; then one request is a probe"
    )
    probing = models.BooleanField(default=False, help_text="a probe was sent")
    last_error = models.CharField(max_length=200, blank=True)
    resume_at = models.DateTimeField(null=True, help_text="when the next postponed job comes back")
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ("view", "change")
        permissions = (("close_host", "Can close and open hosts"),)
        constraints = [
            models.CheckConstraint(
                condition=Q(in_flight=None) | Q(in_flight__gte=1), name="calls_host_in_flight_is_positive"
            ),
            models.CheckConstraint(
                condition=Q(per_second=None) | Q(per_second__gt=0), name="calls_host_per_second_is_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.host


class Turn(models.Model):
    """A request in flight to a host with a limit. It counts until it is deleted.

    If its attempt no longer has its lease, the next one that needs a turn deletes it (`calls.hosts.statements`).
    """

    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="turns")
    # Not a foreign key: its check would lock the row of the job.
    job_id = models.UUIDField()
    fencing_token = models.BigIntegerField(help_text="of the attempt")
    taken_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.host_id} by {self.job_id}"
