"""Search my jobs of all kinds: by the title of their type, the values of their parameters, names of files, and id.

All words must occur, each of them anywhere, in any case. Only jobs of the owner are read, newest first, by the index on
the owner, and only until a page is full.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.contrib.auth.models import User

from jobs.models import Job
from jobs.pages.kind_pages import KindPages
from jobs.pages.kinds_with_pages import kinds_with_pages
from jobs.pages.listing import PAGE_SIZE
from jobs.pages.rows import Row, rows_of
from jobs.postgres.statements import fetch_all

LONGEST_QUERY: Final = 100  # characters
#: Further words are not looked for.
MOST_WORDS: Final = 5

#: Whether a job has the word number {n}. Of the parameters, only values count, and no secret, which is encrypted. The
#: text of all of them is looked at first, because taking them apart takes longer.
HAS_WORD: Final = """(
    kind || ' ' || type = ANY (%(types{n})s::text[])
    OR id::text LIKE %(start{n})s::text
    OR ((payload -> 'parameters')::text ILIKE %(word{n})s::text AND EXISTS (
        SELECT FROM jsonb_each(payload -> 'parameters') AS given (name, value)
        WHERE NOT value ? '$encrypted' AND coalesce(value #>> '{{}}', '') ILIKE %(word{n})s::text
    ))
    OR payload #>> '{{file,filename}}' ILIKE %(word{n})s::text
    OR EXISTS (
        SELECT FROM jobs_artifact AS file WHERE file.job_id = jobs_job.id AND file.role = 'result'
        AND file.published_at IS NOT NULL AND file.filename ILIKE %(word{n})s::text
    )
)"""

#: The ids of one page and one more, newest first.
IDS: Final = """
    SELECT found.id FROM unnest(%(kinds)s::text[]) AS asked (kind), LATERAL (
        SELECT id FROM jobs_job WHERE owner = %(owner)s::bigint AND kind = asked.kind
        AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid) AND {words}
        ORDER BY id DESC LIMIT %(size)s::int
    ) AS found ORDER BY found.id DESC LIMIT %(size)s::int
"""


@dataclass(frozen=True)
class Found:
    """A page of results. The next one starts after the id `next_before`; None if there is none."""

    rows: list[Row]
    before: UUID | None
    next_before: UUID | None


def search_jobs(user: User, asked: str, *, before: UUID | None = None) -> Found:
    """The jobs of `user` with all words of `asked`, which is not blank. Three queries, and those of `rows_of`."""
    kinds = kinds_with_pages()
    words = asked.split()[:MOST_WORDS]
    statement = IDS.format(words=" AND ".join(HAS_WORD.format(n=n) for n in range(len(words))))
    parameters: dict[str, object] = {"owner": user.pk, "kinds": list(kinds), "before": before, "size": PAGE_SIZE + 1}
    for n, word in enumerate(words):
        escaped = _escaped(word)
        parameters[f"types{n}"] = _types_called(word, user, kinds)
        parameters[f"word{n}"], parameters[f"start{n}"] = f"%{escaped}%", f"{escaped.lower()}%"
    ids = [row["id"] for row in fetch_all(statement, **parameters)]
    jobs = list(Job.objects.owned_by(user).filter(pk__in=ids[:PAGE_SIZE]).with_result().order_by("-id")) if ids else []
    rows = rows_of(jobs, user, kinds)
    return Found(rows, before, ids[PAGE_SIZE - 1] if len(ids) > PAGE_SIZE else None)


def _types_called(word: str, user: User, kinds: dict[str, KindPages]) -> list[str]:
    """Kind and identifier of the types with this word in their title, in the language of the page, or identifier."""
    wanted = word.casefold()
    return [
        f"{kind} {known.identifier}"
        for kind, pages in kinds.items()
        for known in pages.resource.types.orderable_by(user)
        if wanted in str(known.title).casefold() or wanted in known.identifier
    ]


def _escaped(word: str) -> str:
    """The word as LIKE takes it literally."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
