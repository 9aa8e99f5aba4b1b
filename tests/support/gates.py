"""Gates in the database: an upload, or a report, stops within its attempt until the gate opens."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from django.db import connection

from tests.support.apps.faults.gate import LOCK
from tests.support.outages import another_session
from tests.support.waiting import wait_until

#: Only sessions of attempts of uploads stop.
STOP: Final = f"""
    IF current_setting('application_name') LIKE 'longhaul %-%' THEN
        PERFORM pg_advisory_lock_shared({LOCK});
        PERFORM pg_advisory_unlock_shared({LOCK});
    END IF;
"""
#: Point → what makes the session stop there, in the order in which an attempt comes past them.
POINTS: Final = {
    "recognized": "EVENT TRIGGER gate ON ddl_command_start WHEN TAG IN ('CREATE TABLE')",
    "staged": "EVENT TRIGGER gate ON ddl_command_start WHEN TAG IN ('CREATE TABLE AS')",
    "insert": "TRIGGER gate BEFORE INSERT ON warehouse_movement FOR EACH ROW",
    "written": "CONSTRAINT TRIGGER gate AFTER INSERT ON warehouse_movement DEFERRABLE INITIALLY DEFERRED FOR EACH ROW",
    "finish": "TRIGGER gate BEFORE UPDATE ON jobs_attempt FOR EACH ROW",
    "commit": "CONSTRAINT TRIGGER gate AFTER UPDATE ON jobs_attempt DEFERRABLE INITIALLY DEFERRED FOR EACH ROW",
}


class Gate:
    """Closed until `open` is called."""

    def __init__(self, guard: "psycopg.Connection[tuple[Any, ...]]") -> None:
        self._guard = guard

    def wait(self) -> int:
        """Wait until a session has stopped; the process id of its backend."""
        return wait_until(self.is_reached, every=0.02, message="a job stands at the gate")

    def open(self) -> None:
        """Let it go on, and later ones pass."""
        self._guard.close()

    def is_reached(self) -> int:
        """The process id of the backend that has stopped; 0 if none has."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_locks WHERE (locktype, objid) = ('advisory', %s) AND NOT granted", [LOCK]
            )
            found = cursor.fetchone()
            return int(found[0]) if found else 0


@contextmanager
def gate_at(point: str) -> Iterator[Gate]:
    """Close a gate at one of POINTS; it opens at the end of the block, if nobody opens it before."""
    kind, _, where = POINTS[point].partition("TRIGGER gate ")
    returns, end = ("event_trigger", "") if kind == "EVENT " else ("trigger", "RETURN NEW;")
    with another_session(f"SELECT pg_advisory_lock({LOCK})") as guard:
        guard.commit()
        _execute(
            f"CREATE FUNCTION gate() RETURNS {returns} LANGUAGE plpgsql SET lock_timeout = 0"  # an upload's is 10 s
            f" AS $$ BEGIN {STOP} {end} END $$"
        )
        try:
            _execute(f"CREATE {kind}TRIGGER gate {where} EXECUTE FUNCTION gate()")
            yield Gate(guard)
        finally:
            guard.close()
            _execute("DROP FUNCTION gate CASCADE")


@contextmanager
def gate_in_report() -> Iterator[Gate]:
    """Close a gate in the middle of the report `gated-lines` of `apps.faults`."""
    with another_session(f"SELECT pg_advisory_lock({LOCK})") as guard:
        guard.commit()
        yield Gate(guard)


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
