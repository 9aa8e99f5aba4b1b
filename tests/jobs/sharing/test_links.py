"""Links are created and revoked by the owner of a file, and end no later than the file."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from jobs.models import Artifact, AuditEntry, Job, ShareLink
from jobs.sharing.errors import NotShareableError, TooManyLinksError, UnknownLinkError
from jobs.sharing.links import MAX_LIVE_LINKS, create_link, live_links, revoke_link, revoke_links
from jobs.states import State
from tests.support.threads import Threads

MakeJob = Callable[..., Job]

pytestmark = pytest.mark.django_db


def story(job: Job) -> list[tuple[str, str, dict[str, str]]]:
    return list(job.events.values_list("name", "actor", "details"))


@pytest.mark.parametrize(
    ("days", "kept", "most", "end"),
    [
        (1, 10, 30, 1),
        (7, 10, 30, 7),
        (7, 3, 30, 3),
        (7, 10, 5, 5),
        (None, 10, 30, 10),
        (None, 90, 30, 30),
        (None, None, 30, 30),
        (7, None, 30, 7),
    ],
)
def test_a_link_ends_after_its_term_the_maximum_or_the_file_whichever_is_first(
    days: int | None, kept: int | None, most: int, end: int, shareable: MakeJob, owner: User, settings: Settings
) -> None:
    settings.SHARE_LINK_MAX_DAYS = most
    job = shareable(kept=timedelta(days=kept) if kept else None)
    before = timezone.now()
    link = create_link(job.pk, creator=owner, days=days)
    assert abs(link.expires_at - before - timedelta(days=end)) < timedelta(minutes=1)
    expiry = Artifact.objects.get().expires_at
    assert expiry is None or link.expires_at <= expiry


def test_both_ends_of_a_link_are_in_the_timeline_and_in_the_audit_trail(shareable: MakeJob, owner: User) -> None:
    job = shareable()
    link = create_link(job.pk, creator=owner, days=1)
    until = link.expires_at.isoformat(timespec="seconds")
    assert (link.job_id, link.created_by) == (job.pk, owner)
    assert revoke_link(job.pk, link.pk, actor="ada")
    assert not revoke_link(job.pk, link.pk, actor="ada"), "it has ended"
    assert story(job) == [
        ("share_created", "ada", {"link": str(link.pk), "until": until}),
        ("share_revoked", "ada", {"link": str(link.pk)}),
    ]
    entries = AuditEntry.objects.order_by("pk").values_list("action", "actor", "target_type", "target_id")
    assert list(entries) == [(act, "ada", "share link", str(link.pk)) for act in ("add", "delete")]
    link.refresh_from_db()
    assert link.revoked_at is not None
    assert list(live_links(job.pk)) == []


@pytest.mark.parametrize("state", [state for state in State if state != State.SUCCEEDED])
def test_a_job_without_a_result_cannot_be_shared(state: State, shareable: MakeJob, owner: User) -> None:
    job = shareable(state=state)
    with pytest.raises(NotShareableError):
        create_link(job.pk, creator=owner, days=1)
    assert (story(job), ShareLink.objects.count()) == ([], 0)


@pytest.mark.parametrize("column", ["expires_at", "deleted_at"])
def test_a_file_that_is_gone_cannot_be_shared(column: str, shareable: MakeJob, owner: User) -> None:
    job = shareable()
    Artifact.objects.update(**{column: timezone.now() - timedelta(seconds=1)})
    with pytest.raises(NotShareableError):
        create_link(job.pk, creator=owner, days=1)


def test_only_the_owner_can_share_a_file(shareable: MakeJob) -> None:
    bob = User.objects.create_user("bob")
    purged, unknown = shareable(owner=None).pk, UUID("01900000-0000-7000-8000-000000000000")
    for job_id in (shareable().pk, purged, unknown):
        with pytest.raises(NotShareableError):
            create_link(job_id, creator=bob, days=1)


def test_a_link_is_revoked_only_as_one_of_its_job(shareable: MakeJob, owner: User) -> None:
    mine, other = shareable(), shareable()
    link = create_link(mine.pk, creator=owner, days=1)
    for job_id, link_id in ((other.pk, link.pk), (mine.pk, mine.pk)):
        with pytest.raises(UnknownLinkError):
            revoke_link(job_id, link_id, actor="ada")
    assert list(live_links(mine.pk)) == [link]


def test_only_live_links_count_toward_the_maximum(shareable: MakeJob, owner: User) -> None:
    job = shareable()
    links = [create_link(job.pk, creator=owner, days=1) for _ in range(MAX_LIVE_LINKS)]
    assert MAX_LIVE_LINKS == 20
    assert list(live_links(job.pk)) == links[::-1]
    with pytest.raises(TooManyLinksError):
        create_link(job.pk, creator=owner, days=1)
    create_link(shareable().pk, creator=owner, days=1)  # each job has its own maximum
    revoke_link(job.pk, links[0].pk, actor="ada")
    create_link(job.pk, creator=owner, days=1)
    ShareLink.objects.filter(pk=links[1].pk).update(expires_at=timezone.now())
    create_link(job.pk, creator=owner, days=1)
    with pytest.raises(TooManyLinksError):
        create_link(job.pk, creator=owner, days=1)


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_get_no_more_than_the_maximum(shareable: MakeJob, owner: User) -> None:
    job = shareable()
    for _ in range(MAX_LIVE_LINKS - 1):
        create_link(job.pk, creator=owner, days=1)

    def ask(_: int) -> bool:
        try:
            create_link(job.pk, creator=owner, days=1)
        except TooManyLinksError:
            return False
        return True

    with Threads(2) as threads:
        assert sorted(threads.map(ask, range(2))) == [False, True]
    assert live_links(job.pk).count() == MAX_LIVE_LINKS


def test_staff_revoke_links_of_any_owner_with_a_reason(shareable: MakeJob, owner: User) -> None:
    job = shareable()
    live, ended = (create_link(job.pk, creator=owner, days=1) for _ in range(2))
    revoke_link(job.pk, ended.pk, actor="ada")
    unknown = UUID(int=0)
    outcome = revoke_links([live.pk, ended.pk, unknown], actor="ida", reason="sent to the wrong list")
    assert outcome.changed == [live.pk]
    assert outcome.refused == {ended.pk: "it has already ended", unknown: "there is no such link"}
    assert not live_links(job.pk)
    event = job.events.latest("pk")
    assert (event.name, event.actor) == ("share_revoked", "ida")
    assert event.details == {"link": str(live.pk), "reason": "sent to the wrong list"}
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.target_id, entry.actor) == ("delete", str(live.pk), "ida")
    assert entry.reason == "sent to the wrong list"
    with pytest.raises(ValueError, match="reason"):
        revoke_links([live.pk], actor="ida", reason="")
