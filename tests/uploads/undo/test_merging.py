"""What happens between the plan of an undo and its end: edits, constraints, deaths."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.db import OperationalError, connection, connections
from django.db.models import F

from jobs.context import JobContext
from jobs.errors import LeaseLostError
from jobs.models import Artifact, Attempt, Job
from jobs.states import State
from jobs.worker import transitions
from jobs.worker.execution import finish
from jobs.worker.transitions import claim_job
from tests.support.apps.warehouse.models import Item, Movement, Supplier, Tenant
from tests.support.apps.warehouse.upload_types import Items
from tests.support.undos import order_undo, results, run_undo, shown, undo
from tests.support.uploads import upload
from uploads.kind import run_upload
from uploads.models import Merge
from uploads.undo.attempt import Undoing
from uploads.undo.results import write_reversal

pytestmark = pytest.mark.django_db(transaction=True)

OLD = "Code,Name,Price,Supplier\nA-1,Bolt,1,S-1\nA-2,Nut,1,S-1\n"
NEW = "Code,Name,Price,Supplier\nA-1,Bolt,2,S-2\nA-2,Nut,2,S-1\nB-1,Screw,2,S-2\nB-2,Washer,2,S-2\n"


@pytest.fixture
def tenant(owner: User) -> Tenant:
    tenant = Tenant.objects.create(code=owner.get_username())
    for code in ("S-1", "S-2"):
        Supplier.objects.create(tenant=tenant, code=code, name=code)
    return tenant


@pytest.fixture
def job(owner: User, tenant: Tenant) -> Job:
    """An upload that updates two rows and inserts two."""
    upload(owner, "items", OLD)
    job = upload(owner, "items", NEW)
    assert (shown(job)["rowsUpdated"], shown(job)["rowsInserted"]) == (2, 2), job.error_message
    return job


@pytest.fixture
def after_plan(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Do something once, between the plan and the merge."""

    def after_plan(act: Callable[[], object]) -> None:
        acts = [act]

        def then(*args: Any, **options: Any) -> None:
            write_reversal(*args, **options)
            if acts:
                acts.pop()()

        monkeypatch.setattr("uploads.undo.attempt.write_reversal", then)

    return after_plan


def rows() -> dict[str, tuple[int, str]]:
    return {item.code: (int(item.price), item.supplier.code) for item in Item.objects.select_related("supplier")}  # type: ignore[union-attr]


UPLOADED = {"A-1": (2, "S-2"), "A-2": (2, "S-1"), "B-1": (2, "S-2"), "B-2": (2, "S-2")}


def test_edits_between_the_plan_and_the_merge_are_kept(job: Job, after_plan: Callable[..., None]) -> None:
    after_plan(lambda: Item.objects.filter(code="A-1").update(price=7))
    first = undo(job)
    assert (first.state, rows()) == (State.QUEUED, {**UPLOADED, "A-1": (7, "S-2")}), first.error_message
    assert not Artifact.objects.filter(job=first).exists()
    moved = lambda: Movement.objects.create(  # noqa: E731
        item=Item.objects.get(code="B-1"), quantity=1, moved_at="2024-01-01T00:00:00Z"
    )
    after_plan(moved)
    second = run_undo(first)
    assert (second.state, rows()) == (State.QUEUED, {**UPLOADED, "A-1": (7, "S-2")}), second.error_message
    ended = run_undo(second)
    assert results(ended) == [
        ["1", "A-1", "kept", "changed-since", "Price"],
        ["2", "A-2", "restored", "", ""],
        ["3", "B-1", "kept", "referenced", ""],
        ["4", "B-2", "deleted", "", ""],
    ]
    assert rows() == {"A-1": (7, "S-2"), "A-2": (1, "S-1"), "B-1": (2, "S-2")}
    assert ended.attempt_count == 1  # the others do not count


@pytest.fixture
def tagged() -> Iterator[None]:
    """A table that no model describes, whose rows would be deleted with the items."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE tagged (item bigint REFERENCES warehouse_item ON DELETE CASCADE, tag text)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE tagged")


def tag(code: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO tagged SELECT id, 'x' FROM warehouse_item WHERE code = %s", [code])


@pytest.mark.usefixtures("tagged")
def test_nothing_is_deleted_along_with_a_row(job: Job, after_plan: Callable[..., None]) -> None:
    tag("B-1")
    after_plan(lambda: tag("B-2"))
    first = undo(job)
    assert (first.state, rows()) == (State.QUEUED, UPLOADED), first.error_message
    ended = run_undo(first)
    assert [row[1:4] for row in results(ended)[2:]] == [["B-1", "kept", "referenced"], ["B-2", "kept", "referenced"]]
    assert rows().keys() == UPLOADED.keys()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tagged")
        assert cursor.fetchone() == (2,)


def test_rows_that_a_constraint_refuses_are_kept(job: Job, tenant: Tenant) -> None:
    Item.objects.filter(code="A-2").update(supplier=Supplier.objects.get(code="S-2"))
    Supplier.objects.get(code="S-1").delete()
    first = undo(job)
    unchanged = {**UPLOADED, "A-2": (2, "S-2")}
    assert (first.state, rows()) == (State.QUEUED, unchanged), first.error_message
    ended = run_undo(first)
    assert (ended.state, shown(ended)["rowsReversed"], shown(ended)["rowsKept"]) == (State.SUCCEEDED, 2, 2)
    [refused, changed, *deleted] = results(ended)
    assert refused[:4] == ["1", "A-1", "kept", "refused"]
    assert refused[4].startswith("warehouse_item_supplier_id_")
    assert changed == ["2", "A-2", "kept", "changed-since", "Supplier"]
    assert [row[2] for row in deleted] == ["deleted", "deleted"]
    assert rows() == {"A-1": (2, "S-2"), "A-2": (2, "S-2")}


@pytest.fixture
def one_at_a_time() -> Iterator[None]:
    """A trigger refuses any UPDATE of more than one item."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse_several() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF (SELECT count(*) FROM changed) > 1 THEN"
            "  RAISE check_violation USING MESSAGE = 'one at a time'; END IF;"
            " RETURN NULL; END $$;"
            " CREATE TRIGGER refuse_several AFTER UPDATE ON warehouse_item REFERENCING NEW TABLE AS changed"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_several()"
        )
    yield
    with connection.cursor() as cursor:  # an attempt has a session of its own
        cursor.execute("DROP FUNCTION refuse_several CASCADE")


def test_rows_that_are_refused_only_together_use_up_the_attempts(job: Job, one_at_a_time: None) -> None:
    ended = undo(job)
    for _ in range(ended.max_attempts):
        assert ended.state in (State.QUEUED, State.FAILED)
        Job.objects.filter(pk=ended.pk).update(state=State.QUEUED)
        ended = run_undo(ended)
    assert (ended.state, ended.attempt_count) == (State.DEAD, ended.max_attempts)
    assert "one at a time" in ended.error_message
    assert rows() == UPLOADED


DONE = {"A-1": (1, "S-1"), "A-2": (1, "S-1")}


def test_a_worker_that_dies_before_the_end_has_done_nothing(job: Job) -> None:
    queued = order_undo(job)
    Job.objects.filter(pk=queued.pk).update(released_at=F("created_at"))
    dead = claim_job(queued.pk, worker="w", celery_task_id="t", lease_seconds=60)
    assert dead is not None
    context = JobContext(dead, lease_seconds=60)
    with context.resources:
        result = run_upload(context)
    assert rows() == UPLOADED
    ended = run_undo(queued)
    assert (ended.state, rows()) == (State.SUCCEEDED, DONE), ended.error_message
    Item.objects.filter(code="A-1").update(price=9)
    context.effect = None  # its session is gone, so only the end of the job could be written
    with pytest.raises(LeaseLostError):
        finish(context, result)
    assert rows() == {**DONE, "A-1": (9, "S-1")}


def test_a_session_that_dies_in_the_merge_has_written_nothing(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    merge = Undoing._merge
    killed: list[dict[str, tuple[int, str]]] = []

    def then_die(self: Undoing, *args: Any) -> None:
        merge(self, *args)
        if not killed:
            killed.append(rows())
            with suppress(Exception), connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(Undoing, "_merge", then_die)
    first = undo(job)
    assert killed == [DONE]
    assert (first.state, rows()) == (State.FAILED, UPLOADED), first.error_message
    ended = run_undo(first)
    assert (ended.state, rows()) == (State.SUCCEEDED, DONE), ended.error_message
    assert Attempt.objects.filter(job=ended).count() == 2


def test_images_that_are_not_as_written_change_nothing(job: Job) -> None:
    queued, images = order_undo(job), Artifact.objects.get(job=job, role="before")
    with storages["artifacts"].open(images.storage_name) as file:
        data = bytearray(file.read())
    assert len(data) == images.size_bytes
    data[9] ^= 1  # in the header of gzip, which no checksum but ours covers
    storages["artifacts"].delete(images.storage_name)
    with storages["artifacts"].open(images.storage_name, "wb") as file:
        file.write(bytes(data))
    ended = run_undo(queued)
    assert (ended.state, rows()) == (State.FAILED, UPLOADED), ended.error_message
    storages["artifacts"].delete(images.storage_name)
    ended = run_undo(queued)
    assert (ended.state, (ended.result or {})["error"]["code"]) == (State.DEAD, "images-lost")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same database by another alias: sessions and transactions of its own are all that matters here."""
    other = connections.create_connection("default")
    other.alias = "elsewhere"
    connections["elsewhere"] = other
    monkeypatch.setattr(Items, "database", "elsewhere", raising=False)
    yield
    other.close()
    del connections["elsewhere"]


def test_rows_in_another_database_are_taken_back_once(
    job: Job, elsewhere: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are written, and the job is not finished. The next attempt only finishes it."""

    def finish(*args: Any, **options: Any) -> None:
        connections["elsewhere"].close()
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(transitions, "finishing", finish)
        first = undo(job)
    assert (first.state, rows()) == (State.FAILED, DONE), first.error_message
    assert Merge.objects.get().job_id == first.pk
    Item.objects.filter(code="A-1").update(price=2, supplier=Supplier.objects.get(code="S-2"))  # as it was uploaded
    ended = run_undo(first)
    assert (ended.state, shown(ended)["rowsReversed"], shown(ended)["rowsKept"]) == (State.SUCCEEDED, 4, 0)
    assert rows() == {**DONE, "A-1": (2, "S-2")}
