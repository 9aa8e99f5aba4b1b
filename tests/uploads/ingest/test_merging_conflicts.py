"""What others do to the table between the plan of an upload and the end of its merge; and what the table refuses."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.db import DatabaseError, connection
from django.db.models import F
from django.db.models.functions import Now

from jobs.interventions.cancellation import cancel_jobs
from jobs.interventions.dead_letter import requeue_jobs
from jobs.models import Artifact, Attempt, Job
from jobs.postgres.advisory_locks import LockClass, lock_key
from jobs.states import State
from tests.support.apps.warehouse.models import Item, Supplier, Tenant
from tests.support.apps.warehouse.upload_types import Items, NewItems
from tests.support.outages import another_session, locked
from tests.support.uploads import make_upload, run, upload
from uploads.ingest import merging, pipeline, session
from uploads.types import RowError

pytestmark = pytest.mark.django_db(transaction=True)

FILE = "Code,Name,Price,Supplier,UUID\nA-1,Bolt,2,,\nA-2,Nut,1,S-1,5f3e6c9e-6f4b-4d6e-9a52-0b8f3ad9c0aa\n"
Before = Callable[[Callable[[], object]], AbstractContextManager[None]]


@pytest.fixture
def tenant(owner: User) -> Tenant:
    tenant = Tenant.objects.create(code=owner.get_username())
    Supplier.objects.create(tenant=tenant, code="S-1", name="Smith")
    Item.objects.create(tenant=tenant, code="A-1", name="Bolt", price=1)
    return tenant


@pytest.fixture
def before_merge(monkeypatch: pytest.MonkeyPatch) -> Before:
    """In the block, `act` happens after the plan and before the merge."""

    @contextmanager
    def happens(act: Callable[[], object]) -> Iterator[None]:
        with monkeypatch.context() as patch:

            def merge(*args: Any) -> None:
                act()
                merging.merge(*args)

            patch.setattr(pipeline, "merge", merge)
            yield

    return happens


def by_another(*statements: str) -> None:
    """Another session does it and commits."""
    with another_session("SELECT 1") as other:
        for statement in statements:
            other.execute(statement.encode())
        other.commit()


@contextmanager
def trigger(event: str, body: str) -> Iterator[None]:
    """The table of items has a trigger with this body of PL/pgSQL."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")
        cursor.execute(f"CREATE TRIGGER fault BEFORE {event} ON warehouse_item FOR EACH ROW EXECUTE FUNCTION fault()")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION fault CASCADE")


def run_again(job: Job) -> Job:
    """The next attempt, whenever it is due, and although staff must ask for it."""
    if job.state == State.DEAD:
        requeue_jobs([job.pk], actor="staff", reason="the table has changed")
    Job.objects.filter(pk=job.pk).update(state=State.QUEUED, released_at=Now())
    return run(job)


def rows() -> list[tuple[str, str, str | None]]:
    found = Item.objects.order_by("code").values_list("code", "price", "supplier__code")
    return [(code, str(price), supplier) for code, price, supplier in found]


def code_of(job: Job) -> str:
    return str((job.result or {})["error"]["code"])


OLD = [("A-1", "1.00", None)]
DONE = [("A-1", "2.00", None), ("A-2", "1.00", "S-1")]
UUID = "5f3e6c9e-6f4b-4d6e-9a52-0b8f3ad9c0aa"


def insert(code: str, uuid: str = "") -> str:
    """The statement by which somebody else inserts an item of the same tenant."""
    columns = "tenant_id, code, name, price, is_active, kind, uuid, created_at, updated_at"
    values = f"id, '{code}', 'theirs', 7, true, '', nullif('{uuid}', '')::uuid, now(), now()"
    return f"INSERT INTO warehouse_item ({columns}) SELECT {values} FROM warehouse_tenant"  # noqa: S608


@pytest.mark.parametrize(
    ("meanwhile", "then", "afterwards"),
    [
        ("UPDATE warehouse_item SET note = 'by hand'", "", DONE),
        ("DELETE FROM warehouse_item", "", DONE),
        (insert("A-2"), "", DONE),
        (insert("B", UUID), "unique-violation", [*OLD, ("B", "7.00", None)]),
        ("DELETE FROM warehouse_supplier", "unknown-lookup", OLD),
    ],
)
def test_a_table_that_changes_after_the_plan_is_planned_again(
    meanwhile: str, then: str, afterwards: list[Any], owner: User, tenant: Tenant, before_merge: Before
) -> None:
    """Nothing of the first attempt is left, it does not count, and the second one sees what the others did."""
    with before_merge(lambda: by_another(meanwhile)):
        job = upload(owner, "items", FILE)
    assert (job.state, job.attempt_count) == (State.QUEUED, 0), job.error_message
    assert Attempt.objects.get(job=job).error_message == merging.PlanMovedError.MESSAGE
    assert set(job.artifacts.values_list("role", flat=True)) == {"source"}
    job = run_again(job)
    assert rows() == afterwards
    assert job.state == (State.DEAD if then else State.SUCCEEDED), job.error_message
    if then:
        [error] = (job.result or {})["upload"]["errorsPreview"]
        assert (code_of(job), error["code"], error["record"]) == ("rows-rejected", then, 2)


def test_a_confirmed_plan_is_not_replaced_by_another(owner: User, tenant: Tenant, before_merge: Before) -> None:
    dry = upload(owner, "items", FILE, dryRun=True)
    digest = (dry.result or {})["upload"]["planDigest"]
    with before_merge(lambda: by_another("UPDATE warehouse_item SET note = 'by hand'")):
        job = upload(owner, "items", FILE, plan=digest)
    assert job.state == State.QUEUED
    assert code_of(run_again(job)) == "plan-changed"
    assert rows() == OLD


def test_a_conflict_that_persists_ends_the_upload(owner: User, tenant: Tenant) -> None:
    """A trigger gives each new row a key that the table has, so that no plan comes true."""
    with trigger("INSERT", "NEW.code = 'A-1'; RETURN NEW;"):
        job = upload(owner, "items", FILE)
        for _ in range(merging.MOST_NEW_PLANS):
            assert (job.state, job.attempt_count) == (State.QUEUED, 0), job.error_message
            job = run_again(job)
    assert (job.state, code_of(job)) == (State.DEAD, "unique-violation")
    assert "warehouse_item_code" in (job.result or {})["error"]["detail"]
    assert (job.result or {})["upload"]["phase"] == "planned"
    assert rows() == OLD


def test_rows_that_others_change_all_the_time_use_up_the_attempts(
    owner: User, tenant: Tenant, before_merge: Before
) -> None:
    with before_merge(lambda: by_another("UPDATE warehouse_item SET count = count + 1")):
        job = upload(owner, "items", FILE)
        for _ in range(merging.MOST_NEW_PLANS):
            assert job.state == State.QUEUED
            job = run_again(job)
    assert (job.state, job.attempt_count, code_of(job)) == (State.FAILED, 1, "retryable-error")
    assert rows() == OLD


@pytest.mark.parametrize(
    ("event", "body", "state", "code"),
    [
        ("INSERT", "RAISE EXCEPTION 'secret';", State.DEAD, "check-failed"),
        ("INSERT", "RETURN NULL;", State.DEAD, "wrong-sum"),
        ("UPDATE", "RETURN NULL;", State.DEAD, "wrong-sum"),
        ("INSERT", "NEW.price = -1; RETURN NEW;", State.DEAD, "check-failed"),
        ("INSERT", "NEW.name = NULL; RETURN NEW;", State.DEAD, "missing-value"),
        ("INSERT", "PERFORM pg_cancel_backend(pg_backend_pid()); RETURN NEW;", State.FAILED, "time-limit"),
        ("INSERT", "RAISE disk_full;", State.FAILED, "database-error"),
        ("INSERT", "RAISE deadlock_detected;", State.FAILED, "database-error"),
    ],
)
def test_what_the_table_refuses(event: str, body: str, state: State, code: str, owner: User, tenant: Tenant) -> None:
    """Nothing is written, and the owner gets the true reason."""
    with trigger(event, body):
        job = upload(owner, "items", FILE)
    assert (job.state, code_of(job)) == (state, code), job.error_message
    assert "secret" not in str(job.result)
    assert rows() == OLD
    assert (run_again(job).state, rows()) == (State.SUCCEEDED, DONE)


def test_a_deadlock_is_tried_again_at_once(owner: User, tenant: Tenant) -> None:
    by_another("CREATE SEQUENCE fault_calls")
    try:
        with trigger("INSERT", "IF nextval('fault_calls') < 3 THEN RAISE deadlock_detected; END IF; RETURN NEW;"):
            job = upload(owner, "items", FILE)
    finally:
        by_another("DROP SEQUENCE fault_calls")
    assert (job.state, job.attempt_count, rows()) == (State.SUCCEEDED, 1, DONE)


@pytest.mark.parametrize("lock", ["SELECT FROM warehouse_item FOR UPDATE", "LOCK warehouse_item", insert("A-2")])
def test_rows_that_somebody_keeps_locked(
    lock: str, owner: User, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By an open transaction. The upload waits for a while, comes back later, and loses no attempt."""
    monkeypatch.setattr(session, "LONGEST_LOCK_WAIT", "100ms")
    with locked(lock):
        job = upload(owner, "items", FILE)
    assert (job.state, job.attempt_count) == (State.QUEUED, 0), job.error_message
    assert "locked" in Attempt.objects.get(job=job).error_message
    assert rows() == OLD
    assert (run_again(job).state, rows()) == (State.SUCCEEDED, DONE)


def test_a_lease_that_is_lost_in_the_merge(owner: User, tenant: Tenant, before_merge: Before) -> None:
    """Another attempt owns the job: this one writes neither rows nor files nor its end."""
    with before_merge(lambda: by_another("UPDATE jobs_job SET fencing_token = fencing_token + 1")):
        job = upload(owner, "items", FILE)
    assert (job.state, job.result, rows()) == (State.RUNNING, None, OLD)
    source = Artifact.objects.get()
    folder, name = source.storage_name.split("/")
    stored = storages["artifacts"].listdir(folder)[1]
    assert [one for one in stored if one.startswith(str(job.pk))] == [name]
    Job.objects.update(fencing_token=F("fencing_token") + 1)
    assert (run_again(job).state, rows()) == (State.SUCCEEDED, DONE)


def test_a_hook_that_fails_undoes_the_merge(owner: User, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def after_merge(self: Items, connection: Any, counts: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE warehouse_item SET note = 'by the hook'")
        raise ValueError("no")

    with monkeypatch.context() as patch:
        patch.setattr(Items, "after_merge", after_merge)
        job = upload(owner, "items", FILE)
    assert (job.state, code_of(job), rows()) == (State.FAILED, "internal-error", OLD)
    assert not Item.objects.exclude(note=None).exists()
    assert (run_again(job).state, rows()) == (State.SUCCEEDED, DONE)


def test_a_check_in_python_may_query_the_table(owner: User, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def validate(self: NewItems, rows: Sequence[Mapping[str, Any]]) -> Iterator[RowError]:
        known = set(Item.objects.values_list("name", flat=True))
        for row in rows:
            if row["name"] in known:
                yield RowError(row["record"], "name", "There is such an item.")

    monkeypatch.setattr(NewItems, "validate", validate)
    many = "".join(f"{number},n{number},1\n" for number in range(1500))
    job = upload(owner, "new-items", f"Artikel,Name,Preis\n{many}x,Bolt,1\n")
    [error] = (job.result or {})["upload"]["errorsPreview"]
    assert (error["record"], error["message"]) == (1501, "There is such an item.")


@pytest.mark.parametrize(
    "damaged", [b"\0\0" + FILE.encode()[2:], FILE.encode()[:-3] + b"bb\n", FILE.encode()[:-9], None]
)
def test_a_file_that_the_storage_has_damaged_or_lost(damaged: bytes | None, owner: User, tenant: Tenant) -> None:
    """In its heading, in a cell, at its end, or as a whole. That is not its user's fault, and it may come back."""
    job = make_upload(owner, "items", FILE.encode())
    path = Path(storages["artifacts"].path(job.artifacts.get().storage_name))
    if damaged is None:
        path.unlink()
    else:
        path.write_bytes(damaged)
    job = run(job)
    assert (job.state, code_of(job), rows()) == (State.FAILED, "file-lost", OLD), job.error_message
    path.write_bytes(FILE.encode())
    assert (run_again(job).state, rows()) == (State.SUCCEEDED, DONE)


def test_a_refused_upload_that_is_retried(owner: User, tenant: Tenant) -> None:
    """The files that say why it was refused go when it begins anew, whether it is canceled or done."""
    Supplier.objects.update(code="S-2")
    job = upload(owner, "items", FILE)
    assert (job.state, roles(job)) == (State.DEAD, {"source", "errors", "results"})
    requeue_jobs([job.pk], actor="ada", reason="again")
    assert roles(job) == {"source"}
    cancel_jobs([job.pk], actor="ada")
    job.refresh_from_db()
    assert (job.state, job.result, roles(job)) == (State.CANCELLED, None, {"source"})
    job = upload(owner, "items", FILE)
    requeue_jobs([job.pk], actor="ada", reason="again")
    Supplier.objects.update(code="S-1")
    job = run_again(job)
    assert (job.state, rows(), roles(job)) == (State.SUCCEEDED, DONE, {"source", "results", "before"})


def roles(job: Job) -> set[str]:
    return set(job.artifacts.values_list("role", flat=True))


def test_nothing_of_an_attempt_stays_in_the_process(owner: User, tenant: Tenant) -> None:
    """Neither settings, nor temporary tables, nor the turn: the next job gets a session of its own."""
    upload(owner, "items", FILE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('application_name'), current_setting('lock_timeout')")
        assert cursor.fetchone() == ("longhaul", "0")
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        assert cursor.fetchone() == (0,)
        with pytest.raises(DatabaseError):
            cursor.execute("SELECT FROM pg_temp.staging")


def test_a_session_of_an_earlier_attempt_is_ended(owner: User, tenant: Tenant) -> None:
    """That of a process that is stopped, or out of reach, and has both the turn and locks. Others are left alone."""
    job, turn = make_upload(owner, "items", FILE.encode()), lock_key(LockClass.UPLOAD_TARGET, "warehouse_item")
    lock = "SELECT FROM warehouse_item FOR UPDATE"
    with another_session("SELECT 1") as another, another_session(lock) as zombie:
        another.execute("SELECT set_config('application_name', %s, false)", [f"longhaul inquiry {job.pk}"])
        zombie.execute("SELECT set_config('application_name', %s, false)", [f"longhaul {job.pk}"])
        zombie.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [turn])
        assert (run(job).state, rows()) == (State.SUCCEEDED, DONE)
        assert zombie.broken or not _is_alive(zombie.info.backend_pid)
        another.execute("SELECT 1")


def _is_alive(pid: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s)", [pid])
        return bool(cursor.fetchone()[0])
