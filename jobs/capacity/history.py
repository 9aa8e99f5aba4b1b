"""The history of a queue: how long its attempts took, how often jobs arrived, what they wrote.

The cost is bounded, even among millions of jobs of other queues: for each type, the index `jobs_job_sorted_by` gives
the newest jobs of the span, and further indexes give the attempts and files of the newest of these.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils import timezone

from jobs.models.ids import first_id_at
from jobs.postgres.loose_index_scan import loose_index_scan
from jobs.postgres.statements import fetch_all

#: How many of the newest jobs count as arrivals, and of how many of these the attempts are read.
JOBS_COUNTED: Final = 100_000
JOBS_READ: Final = 10_000
#: How many attempts are read, in all and of one job.
ATTEMPTS_READ: Final = 10_000
ATTEMPTS_OF_A_JOB: Final = 100
#: The mean and the variance of fewer say little.
FEWEST_ATTEMPTS: Final = 30

#: The kinds and types of a queue's jobs.
TYPES: Final = f"""
    WITH RECURSIVE {loose_index_scan("found", key=["kind", "type"], source="jobs_job", where="queue = %(queue)s::text")}
    SELECT kind, type FROM found
"""  # noqa: S608

#: An attempt occupies a worker from its start to its end, whatever its outcome. So all that have ended count, and their
#: total divided by the number of jobs is the load of a job, retries included. A lost attempt ends when it is rescued,
#: and holds a place of the queue until then. The first 48 bits of an id are its milliseconds (RFC 9562).
HISTORY: Final = """
    WITH recent AS MATERIALIZED (
        SELECT job.id FROM unnest(%(kinds)s::text[], %(types)s::text[]) AS lane (kind, type), LATERAL (
            SELECT id FROM jobs_job
            WHERE queue = %(queue)s::text AND kind = lane.kind AND type = lane.type AND id >= %(first)s::uuid
            ORDER BY id DESC LIMIT %(jobs_counted)s
        ) AS job ORDER BY id DESC LIMIT %(jobs_counted)s
    ), arrived AS (
        SELECT ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0 AS at FROM recent
    ), hours AS (
        SELECT count(*) AS jobs FROM arrived GROUP BY floor((extract(epoch FROM clock_timestamp()) - at) / 3600)
    ), looked_at AS MATERIALIZED (
        SELECT id FROM recent ORDER BY id DESC LIMIT %(jobs_read)s
    ), ended AS MATERIALIZED (
        SELECT attempt.* FROM looked_at, LATERAL (
            SELECT job_id, outcome, rows, peak_memory_bytes, conditions,
                extract(epoch FROM finished_at - started_at)::float AS seconds
            FROM jobs_attempt WHERE job_id = looked_at.id AND finished_at IS NOT NULL
            ORDER BY number LIMIT %(attempts_of_a_job)s
        ) AS attempt LIMIT %(attempts_read)s
    ), begun AS (
        SELECT DISTINCT job_id FROM ended
    ), kept AS (
        SELECT file.* FROM begun, LATERAL (
            SELECT size_bytes, extract(epoch FROM expires_at - published_at)::float AS seconds
            FROM jobs_artifact WHERE job_id = begun.job_id AND published_at IS NOT NULL AND expires_at IS NOT NULL
            LIMIT 3 -- there are three roles; a LIMIT makes the planner use the index
        ) AS file
    )
    SELECT
        (SELECT count(*) FROM recent) AS jobs,
        (SELECT greatest(60, extract(epoch FROM clock_timestamp()) - min(at))::float FROM arrived) AS observed_seconds,
        (SELECT max(jobs) FROM hours) AS busiest_hour_jobs,
        (SELECT count(*) FROM begun) AS jobs_begun,
        (SELECT coalesce(sum(size_bytes), 0) FROM kept)::float AS stored_bytes,
        (SELECT coalesce(sum(size_bytes * seconds), 0) FROM kept)::float AS stored_byte_seconds,
        count(*) AS attempts,
        count(*) FILTER (WHERE outcome = 'succeeded') AS succeeded,
        avg(seconds) AS service_seconds,
        (var_pop(seconds) / nullif(avg(seconds) ^ 2, 0)) AS service_cv2,
        max(seconds) AS longest_seconds,
        coalesce(sum(rows), 0)::float AS rows,
        avg(peak_memory_bytes)::float AS mean_memory_bytes,
        max(peak_memory_bytes) AS peak_memory_bytes,
        coalesce(bool_or(conditions ? 'pace'), false) AS reads_database
    FROM ended
"""

#: Rows are counted in the minute in which their attempt ends, so they are averaged over the length of an attempt.
MOST_ROWS: Final = """
    SELECT max(rows) AS rows FROM (
        SELECT sum(sum(rows)) OVER (
            ORDER BY minute RANGE BETWEEN make_interval(mins => %(minutes)s::int - 1) PRECEDING AND CURRENT ROW
        ) AS rows
        FROM jobs_activity WHERE queue = %(queue)s::text AND minute >= %(since)s::timestamptz GROUP BY minute
    ) AS span
"""


@dataclass(frozen=True)
class History:
    """The history of a queue, or of one type in it. `service` is the time that an attempt occupies a worker.

    Figures per job count all its attempts. `stored_byte_seconds` sums bytes × seconds kept over the files of a job.
    The memory is None if no attempt has recorded it.
    """

    jobs: int
    observed_seconds: float
    arrivals_per_minute: float
    busiest_hour_per_minute: float
    attempts: int
    succeeded: int
    attempts_per_job: float
    service_seconds: float
    service_cv2: float
    longest_seconds: float
    rows_per_job: float
    stored_bytes_per_job: float
    stored_byte_seconds_per_job: float
    mean_memory_bytes: float | None
    peak_memory_bytes: int | None
    reads_database: bool
    #: Of the whole queue; None if no rows were counted.
    highest_rows_per_second: float | None


class TooLittleHistoryError(Exception):
    """There are too few attempts to learn from; the message says how many."""


def types_of(queue: str) -> list[tuple[str, str]]:
    """The (kind, type) pairs of the queue's jobs; the type is empty for a kind without types."""
    return [(row["kind"], row["type"]) for row in fetch_all(TYPES, queue=queue)]


def read_history(queue: str, types: list[tuple[str, str]], *, days: float) -> History:
    """The history of the jobs of these kinds and types that were created in the last `days`.

    Raises TooLittleHistoryError.
    """
    since = timezone.now() - timedelta(days=days)
    [row] = fetch_all(
        HISTORY,
        queue=queue,
        kinds=[kind for kind, _ in types],
        types=[type_ for _, type_ in types],
        first=first_id_at(since),
        jobs_counted=JOBS_COUNTED,
        jobs_read=JOBS_READ,
        attempts_read=ATTEMPTS_READ,
        attempts_of_a_job=ATTEMPTS_OF_A_JOB,
    )
    if row["attempts"] < FEWEST_ATTEMPTS:
        raise TooLittleHistoryError(
            f"{row['attempts']} attempts ended in the last {days:g} days, and at least {FEWEST_ATTEMPTS} are needed"
        )
    begun = row["jobs_begun"]
    minutes = math.ceil(max(60.0, row["longest_seconds"]) / 60)
    [most] = fetch_all(MOST_ROWS, queue=queue, since=since, minutes=minutes)
    return History(
        jobs=row["jobs"],
        observed_seconds=row["observed_seconds"],
        arrivals_per_minute=60 * row["jobs"] / row["observed_seconds"],
        busiest_hour_per_minute=row["busiest_hour_jobs"] / min(60.0, row["observed_seconds"] / 60),
        attempts=row["attempts"],
        succeeded=row["succeeded"],
        attempts_per_job=row["attempts"] / begun,
        service_seconds=row["service_seconds"],
        service_cv2=row["service_cv2"] or 0.0,
        longest_seconds=row["longest_seconds"],
        rows_per_job=row["rows"] / begun,
        stored_bytes_per_job=row["stored_bytes"] / begun,
        stored_byte_seconds_per_job=row["stored_byte_seconds"] / begun,
        mean_memory_bytes=row["mean_memory_bytes"],
        peak_memory_bytes=row["peak_memory_bytes"],
        reads_database=row["reads_database"],
        highest_rows_per_second=None if most["rows"] is None else float(most["rows"]) / (60 * minutes),
    )
