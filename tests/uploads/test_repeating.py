"""An upload whose file is already stored: the file is taken over, never copied, and by one job only."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import connection

from jobs.interventions.dead_letter import requeue_jobs
from jobs.interventions.purging import purge_jobs
from jobs.models import Artifact, Job
from jobs.states import State
from tests.support.apps.warehouse.models import Item, Tenant
from tests.support.uploads import make_upload, run, upload
from uploads.repeating import NotRepeatableError, Repetition, continued_by, repeat_upload
from uploads.undo.ordering import missing_file

CSV = "Code,Name,Price\nA-1,Bolt,1.50\nA-2,Nut,0.20\n"
BAD = "Code,Name,Price\nA-1,Bolt,1.50\nA-2,Nut,cheap\n"
CONFIRM = Repetition(dry_run=False, confirms=True)
CHECK = Repetition(dry_run=True)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def tenant(owner: User) -> Tenant:
    return Tenant.objects.create(code=owner.get_username())


def checked(owner: User, data: str = CSV) -> Job:
    return upload(owner, "items", data, dryRun=True)


def test_a_confirmed_check_writes_its_rows_from_the_same_stored_file(owner: User) -> None:
    check = checked(owner)
    stored = Artifact.objects.get(job=check, role=Artifact.Role.SOURCE)
    job = repeat_upload(owner=owner, upload=check, repetition=CONFIRM)
    taken = Artifact.objects.get(job=job, role=Artifact.Role.SOURCE)
    assert (taken.pk, taken.storage_name) == (stored.pk, stored.storage_name)
    assert taken.expires_at is not None
    assert job.payload["continues"] == str(check.pk)
    assert job.payload["plan"] == check.result["upload"]["planDigest"]  # type: ignore[index]
    assert run(job).state == State.SUCCEEDED
    assert list(Item.objects.order_by("code").values_list("code", flat=True)) == ["A-1", "A-2"]
    assert continued_by(check) == job.pk
    assert missing_file(check) == f"The upload {job.pk} has taken over the file."


def test_a_check_is_confirmed_once(owner: User) -> None:
    check = checked(owner)
    job = repeat_upload(owner=owner, upload=check, repetition=CONFIRM)
    with pytest.raises(NotRepeatableError) as refused:
        repeat_upload(owner=owner, upload=check, repetition=CONFIRM)
    assert refused.value.continued_by == job.pk
    assert Job.objects.count() == 2


def test_of_two_at_once_one_is_accepted(owner: User) -> None:
    check = checked(owner)

    def confirm(_: int) -> str:
        try:
            return str(repeat_upload(owner=owner, upload=check, repetition=CONFIRM).pk)
        except NotRepeatableError as error:
            return f"refused for {error.continued_by}"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        first, second = sorted(pool.map(confirm, range(2)))
    assert second == f"refused for {first}"
    assert Job.objects.count() == 2


def test_a_plan_that_has_changed_is_refused_and_can_be_checked_again(owner: User) -> None:
    check = checked(owner)
    upload(owner, "items", "Code,Name,Price\nA-1,Screw,1.50\n")
    refused = run(repeat_upload(owner=owner, upload=check, repetition=CONFIRM))
    assert (refused.state, (refused.result or {})["error"]["code"]) == (State.DEAD, "plan-changed")
    again = run(repeat_upload(owner=owner, upload=refused, repetition=CHECK))
    assert (again.result or {})["upload"]["rowsUpdated"] == 1
    assert again.payload["plan"] is None
    assert run(repeat_upload(owner=owner, upload=again, repetition=CONFIRM)).state == State.SUCCEEDED


def test_mode_encoding_and_delimiter_may_be_others(owner: User) -> None:
    check = checked(owner, BAD)
    job = repeat_upload(owner=owner, upload=check, repetition=Repetition(dry_run=False, mode="partial", confirms=True))
    assert run(job).state == State.SUCCEEDED
    assert Item.objects.get().code == "A-1"
    read = repeat_upload(
        owner=owner, upload=Job.objects.get(pk=job.pk), repetition=Repetition(dry_run=True, csv={"encoding": "cp932"})
    )
    assert (read.payload["csv"], read.payload["mode"]) == ({"encoding": "cp932", "delimiter": None}, "partial")


def test_an_active_an_unchecked_and_a_deleted_one_are_refused(owner: User) -> None:
    waiting = make_upload(owner, "items", CSV.encode())
    with pytest.raises(NotRepeatableError, match=r"^The upload has not ended, or is an undo\.$"):
        repeat_upload(owner=owner, upload=waiting, repetition=CHECK)
    ended = run(waiting)
    with pytest.raises(NotRepeatableError, match=r"^The upload has no plan to confirm\. Check it first\.$"):
        repeat_upload(owner=owner, upload=ended, repetition=CONFIRM)
    purge_jobs([ended.pk], actor="ada")
    with pytest.raises(NotRepeatableError, match=r"^The uploaded file has expired and must be uploaded again\.$"):
        repeat_upload(owner=owner, upload=ended, repetition=CHECK)
    assert Job.objects.count() == 1


def test_a_dead_one_whose_file_was_taken_over_cannot_be_run_again(owner: User) -> None:
    dead = upload(owner, "items", BAD)
    assert dead.state == State.DEAD
    repeat_upload(owner=owner, upload=dead, repetition=CHECK)
    requeue_jobs([dead.pk], actor="staff", reason="r")
    again = run(Job.objects.get(pk=dead.pk))
    assert (again.state, (again.result or {})["error"]["code"]) == (State.DEAD, "source-expired")
