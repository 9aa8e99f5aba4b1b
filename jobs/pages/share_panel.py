"""The panel of share links on the page of a job that has a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.api.resources.resource import JobResource
from jobs.models import Artifact, ShareLink
from jobs.pages.detail_wording import ShownInFull
from jobs.sharing.links import MAX_LIVE_LINKS, end_of_link, live_links
from jobs.sharing.signature import token_of

#: The terms that the form offers besides the longest one, in days.
SHORT_TERMS: Final = (1, 7)
#: The value of the form for the longest term.
LONGEST: Final = "longest"


@dataclass(frozen=True)
class SharePanel:
    """The live links, the terms that the form offers (value and label), and the link to copy with its address."""

    links: list[ShareLink]
    terms: list[tuple[str, str]]
    link: ShareLink | None
    url: str

    @property
    def why_full(self) -> str:
        """Why no further link can be created; empty if one can."""
        return too_many_links() if len(self.links) >= MAX_LIVE_LINKS else ""


def share_panel(request: HttpRequest, resource: JobResource, shown: ShownInFull) -> SharePanel | None:
    """The panel; None if the job has nothing to share, or sharing is off. One query.

    `?link=` names the link to copy, by its id.
    """
    if not settings.SHARE_LINKS or not resource.has_download or not shown.is_complete or shown.artifact is None:
        return None
    links = list(live_links(shown.job.pk))
    link = next((each for each in links if str(each.pk) == request.GET.get("link")), None)
    url = request.build_absolute_uri(reverse("shared", args=[token_of(link)])) if link else ""
    return SharePanel(links, terms_for(shown.artifact), link, url)


def terms_for(artifact: Artifact) -> list[tuple[str, str]]:
    """The choices of the form: the short terms that end before the longest one, and the longest one."""
    most = settings.SHARE_LINK_MAX_DAYS
    end = end_of_link(artifact, days=None)
    ends_with_file = end == artifact.expires_at
    short = [days for days in SHORT_TERMS if days < most and end_of_link(artifact, days=days) < end]
    longest = _("until the file expires") if ends_with_file else in_days(most)
    return [*((str(days), in_days(days)) for days in short), (LONGEST, longest)]


def in_days(days: int) -> str:
    """`1 day`, `7 days`."""
    return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}


def too_many_links() -> str:
    """The sentence for a file that has as many links as allowed."""
    words = ngettext(
        "The file already has %(count)d link, which is the maximum. Revoke one first.",
        "The file already has %(count)d links, which is the maximum. Revoke one first.",
        MAX_LIVE_LINKS,
    )
    return words % {"count": MAX_LIVE_LINKS}
