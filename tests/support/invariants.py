"""What must hold after every fault."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable

from django.core.files.storage import storages
from django.db.models import Q
from django.db.models.functions import Now

from jobs.models import Artifact, Attempt, Event, Job
from jobs.states import Outcome, State

#: The event that tells of an attempt's end.
END_OF: dict[str, set[str]] = {
    Outcome.SUCCEEDED: {Event.Name.COMPLETED},
    Outcome.FAILED: {Event.Name.FAILED},
    Outcome.LOST: {Event.Name.RESCUED},
    Outcome.CANCELLED: {Event.Name.CANCELLED},
    Outcome.HANDED_BACK: {Event.Name.HANDED_BACK},
}
#: Events of the file of a job that has ended.
AFTER_THE_END = {Event.Name.DOWNLOADED, Event.Name.SHARE_CREATED, Event.Name.SHARE_USED, Event.Name.SHARE_REVOKED}
#: The event that a job in a final state ends with; those of its file may follow.
LAST_OF: dict[str, str] = {
    State.SUCCEEDED: Event.Name.COMPLETED,
    State.DEAD: Event.Name.DEAD_LETTERED,
    State.CANCELLED: Event.Name.CANCELLED,
}


def assert_invariants(files: Callable[[], set[str]]) -> None:
    """Look at every job, attempt, file and timeline. `files` are the names that storage got meanwhile."""
    assert_every_job_is_terminal_or_live()
    assert_at_most_one_completion()
    assert_files_are_those_of_succeeded_jobs(files())
    assert_the_timeline_tells_the_story()


def assert_every_job_is_terminal_or_live() -> None:
    stray = Job.objects.filter(
        Q(state=State.RUNNING) & (Q(lease_expires_at=None) | Q(lease_expires_at__lt=Now()))
        | Q(state=State.FAILED, retry_at=None)
        | ~Q(state=State.RUNNING) & Q(lease_expires_at__isnull=False)
        | Q(state__in=LAST_OF, finished_at=None)
    )
    assert not stray.exists(), list(stray.values())


def assert_at_most_one_completion() -> None:
    succeeded = Attempt.objects.filter(outcome=Outcome.SUCCEEDED)
    completions = Counter(succeeded.values_list("job_id", flat=True))
    assert set(completions) == set(Job.objects.filter(state=State.SUCCEEDED).values_list("pk", flat=True))
    assert all(count == 1 for count in completions.values())
    running = Attempt.objects.filter(outcome="").values_list("job_id", flat=True)
    assert set(running) <= set(Job.objects.filter(state=State.RUNNING).values_list("pk", flat=True))


def assert_files_are_those_of_succeeded_jobs(files: set[str]) -> None:
    """Except uploaded files, which are there from the start, and the errors of an upload that was refused."""
    running = Job.objects.filter(state=State.RUNNING).values_list("pk", "fencing_token")
    being_written = {name for name in files for pk, token in running if name.split("/")[1].startswith(f"{pk}.{token}.")}
    published = Artifact.objects.filter(deleted_at=None)
    assert files - being_written == set(published.values_list("storage_name", flat=True)) & files
    uploaded = Q(role=Artifact.Role.SOURCE) | Q(job__kind="upload", job__state=State.DEAD)
    assert not Artifact.objects.exclude(uploaded).exclude(job__state=State.SUCCEEDED).exists()
    for artifact in published:
        with storages["artifacts"].open(artifact.storage_name) as file:
            digest = hashlib.file_digest(file, "sha256")
        assert digest.hexdigest() == artifact.sha256
        assert storages["artifacts"].size(artifact.storage_name) == artifact.size_bytes


def assert_the_timeline_tells_the_story() -> None:
    for job in Job.objects.prefetch_related("events", "attempts"):
        story = [(event.name, event.details.get("attempt")) for event in job.events.all()]
        names = [name for name, _ in story if name not in AFTER_THE_END]
        assert names[0] == Event.Name.SUBMITTED, names
        for attempt in job.attempts.all():
            assert story.count((Event.Name.STARTED, attempt.number)) == 1, story
            if attempt.outcome:
                assert any((name, attempt.number) in story for name in END_OF[attempt.outcome]), story
        assert names.count(Event.Name.STARTED) == len(job.attempts.all()), names
        if job.state in LAST_OF:
            assert names[-1] == LAST_OF[State(job.state)], names
