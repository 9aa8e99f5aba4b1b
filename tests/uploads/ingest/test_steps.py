"""A paced upload: its rows are written in steps, with the same outcome as all at once, and at the rate."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from jobs.interventions.cancellation import cancel_jobs
from jobs.models import Attempt, Job, Queue
from jobs.pacing import governor
from jobs.states import State
from tests.support.apps.warehouse.models import Item, Tenant
from tests.support.outages import another_session
from tests.support.threads import Threads
from tests.support.undos import shown, undo
from tests.support.uploads import make_upload, run, upload
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Statements = Callable[[str], list[int]]
INSERTED, UPDATED, LOCKED = 'INSERT INTO "warehouse_item"', 'UPDATE "warehouse_item"', "FOR NO KEY UPDATE OF t"


@pytest.fixture
def tenant(owner: User) -> Tenant:
    return Tenant.objects.create(code=owner.get_username())


@pytest.fixture
def ten_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uploads are paced so that a step has ten rows, and the pace takes hardly any time."""
    monkeypatch.setattr(governor, "CHUNK_SECONDS", 0.0001)
    Queue.objects.filter(name="uploads").update(rows_per_second=100_000)


@pytest.fixture
def written() -> Iterator[Statements]:
    """The numbers of rows that the statements with a text in them have returned or written, in order."""
    seen: list[tuple[str, int]] = []

    def note(execute: Callable[..., Any], statement: Any, parameters: Any, many: bool, context: Any) -> Any:
        result = execute(statement, parameters, many, context)
        text = statement if isinstance(statement, str) else statement.as_string(context["connection"].connection)
        seen.append((text, context["cursor"].rowcount))
        return result

    with connection.execute_wrapper(note):
        yield lambda text: [rows for statement, rows in seen if text in statement]


def file_of(numbers: range, *, price: int) -> str:
    return "Code,Name,Price\n" + "".join(f"C-{number:02},Bolt,{price}\n" for number in numbers)


def prices() -> list[tuple[str, int]]:
    return [(code, int(price)) for code, price in Item.objects.order_by("code").values_list("code", "price")]


def test_rows_are_inserted_locked_and_updated_in_steps(
    owner: User, tenant: Tenant, ten_at_once: None, written: Statements
) -> None:
    first = upload(owner, "items", file_of(range(25), price=1))
    assert (first.state, written(INSERTED)) == (State.SUCCEEDED, [10, 10, 5]), first.error_message
    keys = list(Item.objects.order_by("code").values_list("pk", flat=True))
    assert keys == list(range(keys[0], keys[0] + 25))
    second = upload(owner, "items", file_of(range(30), price=2))
    assert (second.state, written(UPDATED)) == (State.SUCCEEDED, [10, 10, 5]), second.error_message
    assert len(written(LOCKED)) == 3
    assert (shown(second)["rowsUpdated"], shown(second)["rowsInserted"]) == (25, 5)
    assert prices() == [(f"C-{number:02}", 2) for number in range(30)]
    undone = undo(second)
    assert (undone.state, prices()) == (State.SUCCEEDED, [(f"C-{number:02}", 1) for number in range(25)])


def test_keys_of_new_rows_with_gaps_between_their_records_go_on_from_step_to_step(
    owner: User, tenant: Tenant, ten_at_once: None
) -> None:
    lines = file_of(range(35), price=1).splitlines()
    lines[5] = lines[17] = lines[18] = "C-99,Bolt,none"
    job = upload(owner, "items", "\n".join(lines), mode="partial")
    assert (job.state, shown(job)["rowsInserted"]) == (State.SUCCEEDED, 32), job.error_message
    keys = list(Item.objects.order_by("code").values_list("pk", flat=True))
    assert keys == list(range(keys[0], keys[0] + 32))
    undone = undo(job)
    assert (undone.state, shown(undone)["rowsDeleted"]) == (State.SUCCEEDED, 32)


def test_a_trigger_may_change_rows_of_later_steps(owner: User, tenant: Tenant, ten_at_once: None) -> None:
    upload(owner, "items", file_of(range(25), price=1))
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION others() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF NEW.code = 'C-00' AND OLD.price = 1 THEN"
            " UPDATE warehouse_item SET note = 'seen' WHERE code = 'C-24'; END IF; RETURN NULL; END $$"
        )
        cursor.execute("CREATE TRIGGER others AFTER UPDATE ON warehouse_item FOR EACH ROW EXECUTE FUNCTION others()")
    try:
        job = upload(owner, "items", file_of(range(25), price=2))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION others CASCADE")
    assert (job.state, shown(job)["rowsUpdated"]) == (State.SUCCEEDED, 25), job.error_message
    assert Item.objects.get(code="C-24").note == "seen"


def test_a_constraint_that_may_be_deferred_holds_after_the_last_step(
    owner: User, tenant: Tenant, ten_at_once: None
) -> None:
    """One UPDATE of all rows may swap unique values, where the constraint is checked at the end of a statement."""

    def rows(*, shift: int) -> str:
        return "Code,Name,Price\n" + "".join(f"C-{n:02},Bolt,{(n + shift) % 25 + 1}\n" for n in range(25))

    change = "ALTER TABLE warehouse_item ADD CONSTRAINT one_price UNIQUE (price) DEFERRABLE INITIALLY IMMEDIATE"
    with connection.cursor() as cursor:
        cursor.execute(change)
    try:
        upload(owner, "items", rows(shift=0))
        swapped = upload(owner, "items", rows(shift=1))
        doubled = upload(owner, "items", rows(shift=1).replace("C-24,Bolt,1\n", "C-24,Bolt,2\n"))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE warehouse_item DROP CONSTRAINT one_price")
    assert (swapped.state, shown(swapped)["rowsUpdated"]) == (State.SUCCEEDED, 25), swapped.error_message
    assert doubled.state == State.QUEUED, "it begins again: another transaction may have written that price"
    assert prices() == [(f"C-{n:02}", (n + 1) % 25 + 1) for n in range(25)]


def test_a_row_that_somebody_changes_makes_the_upload_begin_again_with_nothing_written(
    owner: User, tenant: Tenant, ten_at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(owner, "items", file_of(range(25), price=1))
    planned = governor.Governor.pass_rows

    def change_the_last(self: governor.Governor, rows: int) -> None:
        planned(self, rows)
        if rows == 10:
            monkeypatch.undo()
            with another_session("UPDATE warehouse_item SET note = 'x' WHERE code = 'C-24'") as other:
                other.commit()

    job = make_upload(owner, "items", file_of(range(25), price=2).encode())
    monkeypatch.setattr(governor.Governor, "pass_rows", change_the_last)
    job = run(job)
    assert (job.state, prices()[0]) == (State.QUEUED, ("C-00", 1))


def test_each_pass_over_the_rows_is_held_to_the_rate_and_the_attempt_says_so(owner: User, tenant: Tenant) -> None:
    Queue.objects.filter(name="uploads").update(rows_per_second=1000)
    began = time.monotonic()
    job = upload(owner, "items", file_of(range(400), price=1))
    took = time.monotonic() - began
    assert job.state == State.SUCCEEDED, job.error_message
    conditions = Attempt.objects.get().conditions or {}
    assert (conditions["database"], conditions["pace"], conditions["rowsPerSecond"]) == ("default", "fixed", 1000)
    # Staged, listed in the results, kept for the undo, and inserted: each takes 0.4 s, of which 0.1 may be caught up.
    assert conditions["waitedSeconds"] >= 0.9
    assert took >= 1.2


def test_an_upload_that_waits_for_its_pace_is_canceled(owner: User, tenant: Tenant) -> None:
    Queue.objects.filter(name="uploads").update(rows_per_second=1)
    job = make_upload(owner, "items", file_of(range(60), price=1).encode())
    with Threads(1) as threads:
        running = threads.submit(run, job)
        wait_until(lambda: Job.objects.get().state == State.RUNNING)
        cancel_jobs([job.pk], actor="ada")
        assert running.result(timeout=10).state == State.CANCELLED
    assert Item.objects.count() == 0


def test_an_upload_may_follow_the_load(owner: User, tenant: Tenant) -> None:
    Queue.objects.filter(name="uploads").update(pace="auto")
    job = upload(owner, "items", file_of(range(25), price=1))
    assert (job.state, Item.objects.count()) == (State.SUCCEEDED, 25), job.error_message
    assert (Attempt.objects.get().conditions or {})["pace"] == "auto"
