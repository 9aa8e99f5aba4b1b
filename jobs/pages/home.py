"""The start page: which of my jobs are running, ready, or need me."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User

from jobs.models import Job
from jobs.models.queue_conditions import QUEUED_SQL, RUNNING_SQL
from jobs.pages.kind_pages import KindPages
from jobs.pages.rows import Row, rows_of, tab_title
from jobs.postgres.statements import fetch_all

PANELS: Final = ("active", "failed", "expiring", "ready")
#: Jobs in a panel.
PANEL_SIZE: Final = 5
#: Of each kind, the newest jobs among which those are looked for that are ready or need their owner.
RECENT: Final = 500
#: A file that nobody has downloaded yet needs its owner when it expires within this many days.
EXPIRES_WITHIN_DAYS: Final = 2

#: The ids of the jobs in each panel, newest first, and one more than fit, which says that there are more. Active jobs
#: are found by partial indexes that are as small as the number of active jobs; the others among the owner's newest.
#: `jobs.pages.search` says why owner and kind are ranges.
IDS: Final = f"""
    WITH recent AS (
        SELECT job.* FROM unnest(%(kinds)s::text[]) AS asked (kind), LATERAL (
            SELECT id, state, result FROM jobs_job WHERE owner BETWEEN %(owner)s::bigint AND %(owner)s::bigint
            AND kind BETWEEN asked.kind AND asked.kind ORDER BY owner, kind, id DESC LIMIT %(recent)s::int
        ) AS job
    ), active AS (
        SELECT id FROM jobs_job
        WHERE {RUNNING_SQL} AND owner = %(owner)s::bigint AND kind = ANY (%(kinds)s::text[])
        UNION ALL SELECT id FROM jobs_job
        WHERE state = 'failed' AND owner = %(owner)s::bigint AND kind = ANY (%(kinds)s::text[])
        UNION ALL SELECT id FROM jobs_job WHERE {QUEUED_SQL} AND queue IN (SELECT name FROM jobs_queue)
        AND owner = %(owner)s::bigint AND kind = ANY (%(kinds)s::text[])
    ), file AS (
        SELECT job.id, file.expires_at FROM recent AS job JOIN jobs_artifact AS file ON file.job_id = job.id
        WHERE job.state = 'succeeded' AND file.role = 'result' AND file.published_at IS NOT NULL
        AND file.deleted_at IS NULL AND (file.expires_at IS NULL OR file.expires_at > now())
    ), expiring AS (
        SELECT id, expires_at FROM file WHERE expires_at < now() + make_interval(days => %(days)s::int)
        AND (SELECT id FROM jobs_event WHERE job_id = file.id AND name = 'downloaded' LIMIT 1) IS NULL
    ), rejected AS (
        SELECT id FROM recent WHERE state = 'dead'
        OR (
            state = 'succeeded' AND jsonb_typeof(result) = 'object'
            AND result @? '$.upload ? (@.phase == "merged" && @.rowsFailed > 0)'
        )
    )
    (SELECT 'active' AS panel, id FROM active ORDER BY id DESC LIMIT %(size)s::int)
    UNION ALL (SELECT 'expiring', id FROM expiring ORDER BY expires_at LIMIT %(size)s::int)
    UNION ALL (SELECT 'failed', id FROM rejected ORDER BY id DESC LIMIT %(size)s::int)
    UNION ALL (SELECT 'ready', id FROM file WHERE id NOT IN (SELECT id FROM expiring)
        ORDER BY id DESC LIMIT %(size)s::int)
    UNION ALL (SELECT 'recent', id FROM recent LIMIT 1)
"""  # noqa: S608


@dataclass(frozen=True)
class Listed:
    """Some jobs of a panel. `has_more`: there are others."""

    rows: list[Row]
    has_more: bool


@dataclass(frozen=True)
class Home:
    """The panels. A user `is_new` who has no job at all."""

    active: Listed
    failed: Listed
    expiring: Listed
    ready: Listed
    is_new: bool

    @property
    def is_active(self) -> bool:
        return bool(self.active.rows)

    @property
    def needs_me(self) -> bool:
        return bool(self.failed.rows or self.expiring.rows)

    @property
    def tab(self) -> str:
        """For the title of the tab."""
        return tab_title(self.active.rows)


def read_home(user: User, kinds: Mapping[str, KindPages]) -> Home:
    """The jobs of `user` in each panel: three queries, and those of `rows_of`."""
    found = fetch_all(
        IDS, owner=user.pk, kinds=list(kinds), recent=RECENT, days=EXPIRES_WITHIN_DAYS, size=PANEL_SIZE + 1
    )
    ids = {panel: [row["id"] for row in found if row["panel"] == panel] for panel in PANELS}
    shown = [pk for of_panel in ids.values() for pk in of_panel[:PANEL_SIZE]]
    jobs = list(Job.objects.owned_by(user).filter(pk__in=shown).with_result()) if shown else []
    rows = {row.job.pk: row for row in rows_of(jobs, user, dict(kinds))}

    def listed(panel: str) -> Listed:
        listed_ids = ids[panel][:PANEL_SIZE]
        return Listed([rows[pk] for pk in listed_ids if pk in rows], len(ids[panel]) > PANEL_SIZE)

    return Home(**{panel: listed(panel) for panel in PANELS}, is_new=not found)
