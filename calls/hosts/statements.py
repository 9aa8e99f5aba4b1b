"""All statements that change the state of a host. Each locks the row of the host first, then its turns."""

from __future__ import annotations

from typing import Final

from jobs.postgres.statements import squeeze

#: Seconds from now to a time; negative if it has passed.
_LEFT: Final = "extract(epoch FROM {} - now)::float"
#: Until when nothing may be sent; NULL if the host is open.
_SHUT_UNTIL: Final = """greatest(
    CASE WHEN closed_until > now THEN closed_until END, CASE WHEN open_until > now THEN open_until END
)"""
#: The row of a host, locked; `now` is read once it is.
_LOCKED: Final = """
    locked AS MATERIALIZED (SELECT * FROM calls_host WHERE host = %(host)s::text FOR UPDATE),
    moment AS MATERIALIZED (SELECT *, clock_timestamp() AS now FROM locked)
"""

#: The state of hosts that have a row.
LOOK: Final = squeeze(f"""
    WITH moment AS (SELECT *, clock_timestamp() AS now FROM calls_host WHERE host = ANY(%(hosts)s::text[]))
    SELECT
        host, in_flight, per_second, failures, open_until IS NOT NULL AS is_broken,
        coalesce({_LEFT.format(_SHUT_UNTIL)}, 0) AS shut_seconds,
        coalesce({_LEFT.format("resume_at")}, 0) AS resume_seconds
    FROM moment
""")  # noqa: S608

#: Add the row of a declared host. Its limits are only defaults: staff may have changed them since.
SEED: Final = squeeze("""
    INSERT INTO calls_host (host, declared, in_flight, per_second, taken, closed_reason, failures, openings, probing,
        last_error)
    VALUES (%(host)s::text, true, %(in_flight)s::int, %(per_second)s::float, 0, '', 0, 0, false, '')
    ON CONFLICT (host) DO UPDATE SET declared = true WHERE NOT calls_host.declared
    RETURNING host
""")

#: Take as many turns of a host as there are, for the attempts in the order in which they wait.
#:
#: 1. `lost`: if there are too few, turns whose attempt no longer has its lease are given back.
#: 2. `granted`: none while the host is shut, one if it is the probe of an open circuit. By per_second, the turns begin
#:    `spacing` seconds after each other. Only those that begin within `ahead` seconds are granted now, and the first
#:    one began up to `behind` seconds ago, if nobody asked in time.
#: 3. The row of the host is written, and the rows of the turns.
TAKE: Final = squeeze(f"""
    WITH {_LOCKED},
    lost AS (
        DELETE FROM calls_turn AS turn USING moment
        WHERE turn.host_id = moment.host AND moment.taken + %(wanted)s::int > moment.in_flight AND NOT EXISTS (
            SELECT FROM jobs_job AS job
            WHERE job.id = turn.job_id AND job.state = 'running' AND job.fencing_token = turn.fencing_token
                AND job.lease_expires_at > moment.now
        )
        RETURNING turn.id
    ),
    weighed AS MATERIALIZED (
        SELECT
            moment.*, {_SHUT_UNTIL} AS shut_until, greatest(taken - (SELECT count(*) FROM lost), 0)::int AS busy,
            (in_flight IS NOT NULL OR per_second IS NOT NULL) AS is_limited,
            coalesce(%(margin)s::float / per_second, 0) AS spacing,
            coalesce(greatest({_LEFT.format("next_at")}, -%(behind)s::float), 0) AS lead
        FROM moment
    ),
    decided AS MATERIALIZED (
        SELECT weighed.*, CASE WHEN shut_until IS NOT NULL THEN 0 ELSE greatest(0, least(
            %(wanted)s::int,
            in_flight - busy,
            CASE WHEN per_second IS NULL THEN NULL WHEN lead > %(ahead)s::float THEN 0
                ELSE floor(least((%(ahead)s::float - lead) / spacing, 10000)) + 1 END,
            CASE WHEN open_until IS NOT NULL THEN 1 END
        )) END::int AS granted
        FROM weighed
    ),
    written AS (
        UPDATE calls_host AS host SET
            taken = decided.busy + CASE WHEN decided.is_limited THEN granted ELSE 0 END,
            next_at = CASE WHEN decided.per_second IS NULL THEN NULL
                ELSE decided.now + make_interval(secs => lead + granted * spacing) END,
            probing = CASE WHEN granted > 0 THEN decided.open_until IS NOT NULL ELSE decided.probing END,
            open_until = CASE WHEN granted > 0 AND decided.open_until IS NOT NULL
                THEN decided.now + make_interval(secs => %(probe_seconds)s::float) ELSE decided.open_until END,
            updated_at = decided.now
        FROM decided WHERE host.host = decided.host AND (
            (granted > 0 AND (decided.is_limited OR decided.open_until IS NOT NULL)) OR busy <> decided.taken
        )
    ),
    turns AS (
        INSERT INTO calls_turn (host_id, job_id, fencing_token, taken_at)
        SELECT host, job_id, fencing_token, now
        FROM decided, unnest(%(jobs)s::uuid[], %(fencing_tokens)s::bigint[]) WITH ORDINALITY
            AS asked(job_id, fencing_token, place)
        WHERE is_limited AND place <= granted
        RETURNING id, job_id
    )
    SELECT
        in_flight, per_second, failures, open_until IS NOT NULL AS is_broken, probing, granted, spacing, lead,
        in_flight - busy - granted AS free,
        coalesce({_LEFT.format("shut_until")}, 0) AS shut_seconds,
        coalesce({_LEFT.format("resume_at")}, 0) AS resume_seconds,
        (SELECT json_agg(json_build_array(id, job_id)) FROM turns) AS turns
    FROM decided
""")  # noqa: S608

#: Give turns of a host back. If requests succeeded, its circuit closes and its failures are forgotten.
FINISH: Final = squeeze("""
    WITH locked AS MATERIALIZED (SELECT host FROM calls_host WHERE host = %(host)s::text FOR UPDATE),
    given_back AS (
        DELETE FROM calls_turn USING locked
        WHERE host_id = locked.host AND id = ANY(%(turns)s::bigint[]) RETURNING id
    ),
    counted AS (SELECT (SELECT count(*) FROM given_back) AS number FROM locked)
    UPDATE calls_host AS host SET
        taken = greatest(taken - number, 0),
        failures = CASE WHEN %(ok)s::bool THEN 0 ELSE failures END,
        openings = CASE WHEN %(ok)s::bool THEN 0 ELSE openings END,
        open_until = CASE WHEN %(ok)s::bool THEN NULL ELSE open_until END,
        probing = probing AND NOT %(ok)s::bool,
        updated_at = statement_timestamp()
    FROM counted
    WHERE host = %(host)s::text AND (number > 0 OR (%(ok)s::bool AND (failures > 0 OR open_until IS NOT NULL)))
    RETURNING failures
""")

#: Whether a failure opens the circuit, for the first time or again.
_OPENS: Final = "(%(is_probe)s::bool OR host.open_until IS NULL AND host.failures + 1 >= %(threshold)s::int)"
#: Count a failure. A failure of a request that was sent before the circuit opened changes nothing else.
FAIL: Final = squeeze(f"""
    INSERT INTO calls_host AS host (host, declared, taken, closed_reason, failures, openings, open_until, probing,
        last_error)
    SELECT %(host)s::text, false, 0, '', 1, opens::int,
        CASE WHEN opens THEN statement_timestamp() + make_interval(secs => %(first)s::float) END, false, %(error)s::text
    FROM (SELECT %(threshold)s::int <= 1 AS opens) AS new
    ON CONFLICT (host) DO UPDATE SET
        failures = host.failures + 1,
        last_error = EXCLUDED.last_error,
        updated_at = statement_timestamp(),
        openings = CASE WHEN {_OPENS} THEN host.openings + 1 ELSE host.openings END,
        probing = host.probing AND NOT %(is_probe)s::bool,
        open_until = CASE WHEN {_OPENS} THEN statement_timestamp() + make_interval(
            secs => least(%(longest)s::float, %(first)s::float * 2.0 ^ least(host.openings, 30))
        ) ELSE host.open_until END
    RETURNING failures, open_until IS NOT NULL AS is_broken
""")  # noqa: S608

#: Close a host; an earlier closing that lasts longer stays.
CLOSE: Final = squeeze("""
    INSERT INTO calls_host AS host (host, declared, taken, closed_reason, failures, openings, probing, last_error,
        closed_until)
    VALUES (%(host)s::text, false, 0, %(reason)s::text, 0, 0, false, '',
        clock_timestamp() + make_interval(secs => %(seconds)s::float))
    ON CONFLICT (host) DO UPDATE SET
        closed_until = greatest(host.closed_until, EXCLUDED.closed_until),
        closed_reason = CASE WHEN host.closed_until >= EXCLUDED.closed_until THEN host.closed_reason
            ELSE EXCLUDED.closed_reason END,
        updated_at = statement_timestamp()
    RETURNING host
""")

#: Places in the line of jobs that come back later: `first` seconds from now, and then every `spacing` seconds.
#: A line that is longer than `longest` begins from its front again, so its jobs come back twice as densely.
#: While a probe is sent, the line begins soon: the host may be open then.
POSTPONE: Final = squeeze(f"""
    WITH {_LOCKED},
    began AS (
        SELECT moment.*, greatest(now + make_interval(secs => %(shortest)s::float),
            CASE WHEN closed_until > now THEN closed_until END,
            CASE WHEN probing THEN least(open_until, now + make_interval(secs => %(probe_poll)s::float))
                ELSE open_until END
        ) AS front, coalesce(1 / per_second, 1.0 / in_flight, %(spacing)s::float) AS gap
        FROM moment
    ),
    placed AS MATERIALIZED (
        SELECT began.*, CASE WHEN resume_at > front AND resume_at <= front + make_interval(secs => %(longest)s::float)
            THEN resume_at ELSE front END AS place
        FROM began
    )
    UPDATE calls_host AS host SET
        resume_at = place + make_interval(secs => %(jobs)s::int * gap), updated_at = now
    FROM placed WHERE host.host = placed.host
    RETURNING {_LEFT.format("place")} AS first, gap AS spacing,
        CASE WHEN placed.closed_until > now THEN 'closed' WHEN placed.open_until > now THEN 'broken' ELSE 'busy' END
            AS why,
        placed.closed_reason, placed.last_error
""")  # noqa: S608
