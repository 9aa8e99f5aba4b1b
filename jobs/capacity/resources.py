"""The resources of a queue: its dials, sessions of PostgreSQL, memory, and room for files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import psutil
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from jobs.files.room import free_bytes
from jobs.kinds import inspector_of
from jobs.models import Queue, TypeDials
from jobs.models.queues import Pace
from jobs.pacing.dials import Dials, dials_of
from jobs.payloads.redaction import in_one_line
from jobs.postgres.sessions import short_session

#: Sessions of Longhaul other than for CSV work, as `make up` and the compose file start it: 2 × 8 threads of the web
#: server, 8 threads and a heartbeat each of the callback worker and of the io worker, 6 shared sessions, a heartbeat
#: and a short session of the worker for calls, 4 processes of the worker for tasks with their heartbeats, and Beat.
OTHER_SESSIONS: Final = 51
#: A running job has one for its process and one for its heartbeat (after the first second). A job that reads has one
#: more for the rows, and another to sample the load with `pace = auto`.
OF_A_JOB: Final = 2
OF_A_READER: Final = 1
OF_A_PACED_READER: Final = 2

#: Sessions left for Longhaul: all, minus those reserved for others, minus those that others use now. Only members of
#: pg_monitor see whose a session is; for other roles, all sessions that they cannot see count as used by others.
#: https://www.postgresql.org/docs/current/runtime-config-connection.html
LEFT_SESSIONS: Final = """
    SELECT current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int
        - current_setting('reserved_connections')::int
        - (
            SELECT count(*) FROM pg_stat_activity
            WHERE usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'
            AND coalesce(application_name, '') NOT LIKE 'longhaul%%'
        )
"""


@dataclass(frozen=True)
class Sessions:
    """Sessions of one database: how many are `left` for workers (None if unknown), and how many a busy one uses."""

    database: str
    left: int | None
    per_worker: int
    complaint: str = ""


@dataclass(frozen=True)
class Resources:
    """The current resources, with dials by their names. The memory is that of this machine, in bytes.

    `free_bytes` is None for object storage, and if no file was ever written.
    """

    max_running: dict[str, int]
    max_queued: dict[str, int]
    max_queued_per_owner: int | None
    rows_per_second: int | None
    sessions: list[Sessions]
    memory_bytes: int
    available_memory_bytes: int
    free_bytes: int | None


def read_resources(
    queue: Queue, *, of: tuple[str, str] | None, reads_database: bool, other_sessions: int = OTHER_SESSIONS
) -> Resources:
    """Read the current resources. If one kind and type is asked about, the dials of the type count, too."""
    running = {"max_running": queue.max_running}
    queued = {"max_queued": queue.max_queued}
    kind, type_ = of or ("", "")
    if of:
        own = TypeDials.objects.filter(kind=kind, type=type_).first()
        running["max_running of the type"] = (own and own.max_running) or queue.max_running_per_type
        queued["max_queued of the type"] = own.max_queued if own else None
    dials = dials_of(queue.name, kind=kind, type=type_, defaults=inspector_of(kind).dials(type_))
    memory = psutil.virtual_memory()
    return Resources(
        max_running={name: value for name, value in running.items() if value is not None},
        max_queued={name: value for name, value in queued.items() if value is not None},
        max_queued_per_owner=queue.max_queued_per_owner,
        rows_per_second=dials.rows_per_second,
        sessions=_sessions(dials, reads_database=reads_database, other_sessions=other_sessions),
        memory_bytes=memory.total,
        available_memory_bytes=memory.available,
        free_bytes=free_bytes(),
    )


def _sessions(dials: Dials, *, reads_database: bool, other_sessions: int) -> list[Sessions]:
    """Sessions of the database of the jobs, and of the one that they read if it is another."""
    left = _left(connection) - other_sessions
    of_a_reader = OF_A_PACED_READER if dials.pace == Pace.AUTO else OF_A_READER
    if not reads_database:
        return [Sessions(DEFAULT_DB_ALIAS, left, OF_A_JOB)]
    if dials.database == DEFAULT_DB_ALIAS:
        return [Sessions(DEFAULT_DB_ALIAS, left, OF_A_JOB + of_a_reader)]
    return [Sessions(DEFAULT_DB_ALIAS, left, OF_A_JOB), _sessions_elsewhere(dials.database, of_a_reader)]


def _sessions_elsewhere(alias: str, per_worker: int) -> Sessions:
    """Sessions of another database, counted over a short session: that database may not answer."""
    if alias not in list(connections):
        return Sessions(alias, None, per_worker, "the settings name no such database")
    try:
        with short_session(alias) as other:
            return Sessions(alias, _left(other), per_worker)
    except (DatabaseError, InterfaceError) as error:
        return Sessions(alias, None, per_worker, in_one_line(error))


def _left(database: BaseDatabaseWrapper) -> int:
    with database.cursor() as cursor:
        cursor.execute(LEFT_SESSIONS, [])
        [(left,)] = cursor.fetchall()
    return int(left)
