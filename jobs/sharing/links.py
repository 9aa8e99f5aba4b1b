"""Create, list and revoke links. Each change is one transaction, with an event and an entry in the audit trail.

Each change locks the job first, as docs/architecture.md orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from jobs.events import record_event
from jobs.interventions.audit import audit
from jobs.interventions.batches import Intervention
from jobs.interventions.dead_letter import require_reason
from jobs.models import Artifact, AuditEntry, Event, Job, ShareLink
from jobs.models.share_link import LIVE
from jobs.sharing.errors import NotShareableError, TooManyLinksError, UnknownLinkError
from jobs.status import is_available

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: Live links of one job.
MAX_LIVE_LINKS: Final = 20


def create_link(job_id: UUID, *, creator: AbstractBaseUser, days: int | None) -> ShareLink:
    """Create a link to the file of a succeeded job that belongs to `creator`.

    It ends after `days`, after SHARE_LINK_MAX_DAYS or with the file, whichever comes first; `days` None omits the first
    limit. Raises NotShareableError and TooManyLinksError.
    """
    with _locked(job_id) as job:
        artifact = job.result_artifact if job is not None and job.owner_id == creator.pk else None
        if artifact is None or not is_available(artifact):
            raise NotShareableError(job_id)
        if live_links(job_id).count() >= MAX_LIVE_LINKS:
            raise TooManyLinksError(job_id)
        end = end_of_link(artifact, days=days)
        link = ShareLink.objects.create(job_id=job_id, created_by_id=creator.pk, expires_at=end)
        actor, told = creator.get_username(), {"link": str(link.pk), "until": end.isoformat(timespec="seconds")}
        record_event(job_id, Event.Name.SHARE_CREATED, actor=actor, **told)
        audit(
            AuditEntry.Action.ADD, [("share link", link.pk, {}, {"job": str(job_id), **told})], actor=actor, reason=""
        )
    return link


def revoke_link(job_id: UUID, link_id: UUID, *, actor: str, reason: str = "") -> bool:
    """End a link of this job now; False if it had already ended. Raises UnknownLinkError."""
    with _locked(job_id):
        if not ShareLink.objects.filter(pk=link_id, job=job_id).exists():
            raise UnknownLinkError(link_id)
        if not ShareLink.objects.filter(LIVE, pk=link_id, job=job_id).update(revoked_at=Now()):
            return False
        record_event(
            job_id, Event.Name.SHARE_REVOKED, actor=actor, link=str(link_id), **({"reason": reason} if reason else {})
        )
        before = {"job": str(job_id), "link": str(link_id)}
        audit(AuditEntry.Action.DELETE, [("share link", link_id, before, {})], actor=actor, reason=reason)
    return True


def revoke_links(link_ids: Iterable[UUID], *, actor: str, reason: str) -> Intervention:
    """Revoke links of any owner, as staff. Each is a transaction of its own. Raises ValueError without a reason."""
    require_reason(reason)
    outcome = Intervention()
    jobs = dict(ShareLink.objects.filter(pk__in=(ids := list(link_ids))).values_list("pk", "job"))
    for link_id in ids:
        try:
            is_revoked = link_id in jobs and revoke_link(jobs[link_id], link_id, actor=actor, reason=reason)
        except UnknownLinkError:  # deleted together with its job since
            is_revoked = False
        if is_revoked:
            outcome.changed.append(link_id)
        else:
            outcome.refused[link_id] = "it has already ended" if link_id in jobs else "there is no such link"
    return outcome


def live_links(job_id: UUID) -> QuerySet[ShareLink]:
    """The links of this job that still work, newest first."""
    return ShareLink.objects.filter(LIVE, job=job_id).order_by("-pk")


def end_of_link(artifact: Artifact, *, days: int | None) -> datetime:
    """When a link that is created now ends. `days` as in `create_link`."""
    longest = settings.SHARE_LINK_MAX_DAYS
    end = timezone.now() + timedelta(days=longest if days is None else min(days, longest))
    return min(end, artifact.expires_at or end)


@contextmanager
def _locked(job_id: UUID) -> Iterator[Job | None]:
    """A transaction that holds the lock of the job; None if it no longer exists."""
    with transaction.atomic():
        yield Job.objects.with_result().select_for_update(no_key=True).filter(pk=job_id).first()
