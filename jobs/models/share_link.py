"""Links to the file of a job that work without signing in. `jobs.sharing` creates, finds and revokes them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

#: The links that have neither ended nor been revoked.
LIVE = Q(revoked_at=None, expires_at__gt=Now())


class ShareLink(models.Model):
    """A link to the result of a job. Its address contains the id with a signature, which no table holds."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    job = models.ForeignKey("jobs.Job", on_delete=models.CASCADE, db_index=False, related_name="share_links")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(help_text="never later than the file")
    revoked_at = models.DateTimeField(null=True)
    use_count = models.PositiveIntegerField(
        default=0, db_default=0, help_text="downloads that began with the first byte"
    )
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        permissions = [("revoke_sharelink", "Can revoke share links")]
        indexes = [models.Index(fields=["job", "-id"], name="jobs_sharelink_of_job")]

    def __str__(self) -> str:
        return f"share link {self.id}"
