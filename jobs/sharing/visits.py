"""What the holder of a link asks for: the file, as long as the link works, and to be counted."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, F, Prefetch
from django.db.models.functions import Now

from jobs.events import record_event
from jobs.models import Artifact, Event, Job, ShareLink
from jobs.models.artifact import PUBLISHED_RESULT
from jobs.models.share_link import LIVE
from jobs.sharing.errors import LinkEndedError, UnknownLinkError
from jobs.sharing.signature import read_token
from jobs.states import State
from jobs.status import is_available


@dataclass(frozen=True)
class SharedFile:
    """A link that works, with its job and the file."""

    link: ShareLink
    job: Job
    artifact: Artifact


def find_link(token: str) -> SharedFile:
    """The file to which a token leads. Two queries; none if the token is forged.

    Raises UnknownLinkError, or LinkEndedError if there is nothing to download any more.
    """
    link_id = read_token(token)
    if link_id is None:
        raise UnknownLinkError
    results = Prefetch("job__artifacts", Artifact.objects.filter(PUBLISHED_RESULT), to_attr="results")
    links = ShareLink.objects.select_related("job__owner").prefetch_related(results)
    is_live = ExpressionWrapper(LIVE, output_field=BooleanField())
    link = links.annotate(is_live=is_live).filter(pk=link_id).first()
    if link is None:
        raise UnknownLinkError
    job, artifact = link.job, link.job.result_artifact
    is_owned = job.owner is not None and job.owner.is_active
    if not link.is_live or not is_owned or artifact is None or not is_available(artifact):
        raise LinkEndedError
    return SharedFile(link, job, artifact)


def record_use(link: ShareLink) -> None:
    """Count a download that begins, and add it to the timeline. The event names the link, and nothing of the visitor.

    Raises LinkEndedError if the link or its job has ended since the link was found.
    """
    with transaction.atomic():
        # The job is locked before its other rows, as docs/architecture.md orders.
        jobs = Job.objects.select_for_update(of=("self",), no_key=True).filter(state=State.SUCCEEDED)
        if jobs.filter(pk=link.job_id, owner__is_active=True).first() is None:
            raise LinkEndedError
        used = ShareLink.objects.filter(LIVE, pk=link.pk)
        if used.update(use_count=F("use_count") + 1, last_used_at=Now()) != 1:
            raise LinkEndedError
        record_event(link.job_id, Event.Name.SHARE_USED, link=str(link.pk))
