"""Files that are about to expire, and that their owner wants to be told of: once for each file."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Now

from jobs.dispatch.mailed import mailed_kinds
from jobs.mailing.queueing import queue_mail
from jobs.mailing.topics import Topic
from jobs.models import Artifact, Event, Job
from jobs.models.artifact import PUBLISHED_RESULT
from jobs.states import State

#: How long before a file expires its owner is told. A file that lives no longer than this is not worth a mail.
NOTICE: Final = timedelta(days=1)


def expiring_files() -> QuerySet[Artifact]:
    """Results that expire within NOTICE, and that their owner has neither begun to download nor been told of.

    A download leaves an event when it begins (`jobs.api.download`).
    """
    owner = OuterRef(f"job__owner__{get_user_model().USERNAME_FIELD}")
    downloads = Event.objects.filter(job=OuterRef("job"), name=Event.Name.DOWNLOADED, actor=owner)
    return (
        Artifact.objects.filter(PUBLISHED_RESULT, deleted_at=None, expiry_mailed=False)
        .filter(expires_at__range=(Now(), Now() + NOTICE), expires_at__gt=F("published_at") + NOTICE)
        .filter(job__state=State.SUCCEEDED, job__kind__in=mailed_kinds(), job__owner__is_active=True)
        .filter(job__owner__preferences__mail_expiring=True)
        .exclude(Exists(downloads))
        .select_related("job__owner")
        .order_by("expires_at")
    )


def mail_expiry(artifact: Artifact) -> Job | None:
    """Queue the mail about a file that expires soon. None if that was done before. Raises what `submit_job` raises."""
    job = artifact.job
    with transaction.atomic():
        untold = Artifact.objects.filter(pk=artifact.pk, expiry_mailed=False)
        if untold.update(expiry_mailed=True) != 1 or job.owner is None:
            return None
        return queue_mail(job.owner, Topic.EXPIRING, facts={"job": str(job.pk)}, of=job.kind)
