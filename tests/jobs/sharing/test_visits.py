"""A link leads to its file until either has ended, and each use is counted."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from jobs.interventions.purging import purge_jobs
from jobs.models import Artifact, Job, ShareLink
from jobs.sharing.errors import LinkEndedError, UnknownLinkError
from jobs.sharing.links import create_link, revoke_link
from jobs.sharing.signature import token_of
from jobs.sharing.visits import find_link, record_use
from jobs.states import State
from tests.support.threads import Threads

MakeJob = Callable[..., Job]

pytestmark = pytest.mark.django_db


@pytest.fixture
def link(shareable: MakeJob, owner: User) -> ShareLink:
    return create_link(shareable().pk, creator=owner, days=7)


def test_a_token_leads_to_its_file(link: ShareLink, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(2):
        shared = find_link(token_of(link))
    assert (shared.link, shared.job, shared.artifact) == (link, link.job, Artifact.objects.get())


@pytest.mark.parametrize("token", ["", "x", "01900000000070008000000000000001.AAAA"])
def test_a_forged_token_costs_no_query(token: str, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0), pytest.raises(UnknownLinkError):
        find_link(token)


def test_the_link_of_a_job_that_was_deleted_is_unknown(link: ShareLink) -> None:
    token = token_of(link)
    Job.objects.all().delete()
    assert not ShareLink.objects.exists()
    with pytest.raises(UnknownLinkError):
        find_link(token)


def revoke(link: ShareLink) -> None:
    revoke_link(link.job_id, link.pk, actor="ada")


def expire(link: ShareLink) -> None:
    ShareLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def purge(link: ShareLink) -> None:
    purge_jobs([link.job_id], actor="ada")


def deactivate(link: ShareLink) -> None:
    User.objects.update(is_active=False)


def requeue(link: ShareLink) -> None:
    Job.objects.update(state=State.QUEUED)


def expire_file(link: ShareLink) -> None:
    Artifact.objects.update(expires_at=timezone.now())


def delete_file(link: ShareLink) -> None:
    Artifact.objects.update(deleted_at=timezone.now())


@pytest.mark.parametrize("end", [revoke, expire, purge, deactivate, requeue, expire_file, delete_file])
def test_a_link_ends_with_all_that_it_needs(end: Callable[[ShareLink], None], link: ShareLink) -> None:
    token = token_of(link)
    end(link)
    with pytest.raises(LinkEndedError):
        find_link(token)


@pytest.mark.parametrize("end", [revoke, expire, purge, deactivate, requeue])
def test_a_link_that_ended_since_it_was_found_is_not_used(end: Callable[[ShareLink], None], link: ShareLink) -> None:
    shared = find_link(token_of(link))
    end(link)
    with pytest.raises(LinkEndedError):
        record_use(shared.link)
    link.refresh_from_db()
    assert (link.use_count, link.last_used_at) == (0, None)
    assert not link.job.events.filter(name="share_used").exists()


def test_a_use_is_counted_and_told_without_a_word_about_the_visitor(link: ShareLink) -> None:
    before = timezone.now()
    for _ in range(2):
        record_use(link)
    link.refresh_from_db()
    assert link.use_count == 2
    assert link.last_used_at is not None
    assert before <= link.last_used_at <= timezone.now()
    uses = link.job.events.filter(name="share_used").values_list("actor", "details")
    assert list(uses) == [("", {"link": str(link.pk)})] * 2


def test_the_owners_account_can_be_deleted_after_the_file(link: ShareLink, owner: User) -> None:
    purge(link)
    owner.delete()
    link.refresh_from_db()
    assert link.created_by is None


@pytest.mark.django_db(transaction=True)
def test_uses_at_once_are_all_counted(link: ShareLink) -> None:
    with Threads(4) as threads:
        list(threads.map(record_use, [link] * 12))
    link.refresh_from_db()
    assert link.use_count == link.job.events.filter(name="share_used").count() == 12
