"""Search my jobs of all kinds: by the title of their type, the values of their parameters, names of files, and id.

All words must occur, each of them anywhere, in any case. Only jobs of the owner are read, newest first, by the index on
the owner, and only until a page is full or `MOST_JOBS` have been looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User
from rest_framework import serializers

from jobs.models import Job
from jobs.pages.kind_pages import KindPages
from jobs.pages.kinds_with_pages import kinds_with_pages
from jobs.pages.listing import PAGE_SIZE
from jobs.pages.rows import Row, rows_of
from jobs.postgres.statements import fetch_all

LONGEST_QUERY: Final = 100  # characters
#: Jobs of each kind that one page looks at. The next page goes on from there.
MOST_JOBS: Final = 20_000
#: Choices of parameters whose labels have one word; further ones are not looked for.
MOST_CHOICES: Final = 50
#: Further words are not looked for.
MOST_WORDS: Final = 5

#: Whether a job has the word number {n}. Of the parameters, only values count, and no secret, which is encrypted. The
#: text of all of them is looked at first, because taking them apart takes longer.
HAS_WORD: Final = """(
    kind || ' ' || type = ANY (%(types{n})s::text[])
    OR payload @> ANY (%(choices{n})s::jsonb[])
    OR id::text LIKE %(start{n})s::text
    OR ((payload -> 'parameters')::text ILIKE %(word{n})s::text AND EXISTS (
        SELECT FROM jsonb_each(payload -> 'parameters') AS given (name, value)
        WHERE NOT value ? '$encrypted' AND coalesce(value #>> '{{}}', '') ILIKE %(word{n})s::text
    ))
    OR payload #>> '{{file,filename}}' ILIKE %(word{n})s::text
    OR (
        SELECT filename FROM jobs_artifact AS file WHERE file.job_id = jobs_job.id AND file.role = 'result'
        AND file.published_at IS NOT NULL
    ) ILIKE %(word{n})s::text
)"""

#: My jobs of one kind that are older than the id `before`, newest first. Owner and kind are given as ranges of one
#: value, because then only the index on owner, kind and id has the order. Otherwise PostgreSQL may walk through the
#: jobs of all owners, in the false hope that a page is full soon.
MINE: Final = """
    SELECT id FROM jobs_job WHERE owner BETWEEN %(owner)s::bigint AND %(owner)s::bigint
    AND kind BETWEEN asked.kind AND asked.kind AND id < %(before)s::uuid {further}
    ORDER BY owner, kind, id DESC
"""
NOT_BEYOND: Final = "AND id > coalesce((SELECT id FROM edge), %(first)s::uuid) {words}"
#: The ids of one page and one more, newest first, and the `edge`: the first job that is not looked at, if there is one.
IDS: Final = f"""
    WITH edge AS (
        SELECT job.id FROM unnest(%(kinds)s::text[]) AS asked (kind),
        LATERAL ({MINE.format(further="")} OFFSET %(most)s::int LIMIT 1) AS job ORDER BY job.id DESC LIMIT 1
    ), found AS (
        SELECT job.id FROM unnest(%(kinds)s::text[]) AS asked (kind),
        LATERAL ({MINE.format(further=NOT_BEYOND)} LIMIT %(size)s::int) AS job
    )
    (SELECT id, false AS edge FROM found ORDER BY id DESC LIMIT %(size)s::int)
    UNION ALL SELECT id, true FROM edge
"""  # noqa: S608


@dataclass(frozen=True)
class Found:
    """A page of results. The next one starts after the id `next_before`; None if there is none.

    `has_looked_at_all`: otherwise the page is not full, although there may be results among older jobs.
    """

    rows: list[Row]
    before: UUID | None
    next_before: UUID | None
    has_looked_at_all: bool


def search_jobs(user: User, asked: str, *, before: UUID | None = None) -> Found:
    """The jobs of `user` with all words of `asked`, which is not blank. Three queries, and those of `rows_of`."""
    kinds = kinds_with_pages()
    ids, edge = _find(user, asked, kinds, before)
    is_full = len(ids) > PAGE_SIZE
    jobs = list(Job.objects.owned_by(user).filter(pk__in=ids[:PAGE_SIZE]).with_result().order_by("-id")) if ids else []
    rows = rows_of(jobs, user, kinds)
    return Found(rows, before, ids[PAGE_SIZE - 1] if is_full else edge, has_looked_at_all=is_full or edge is None)


def _find(user: User, asked: str, kinds: dict[str, KindPages], before: UUID | None) -> tuple[list[UUID], UUID | None]:
    """The ids of a page and one more, and where the next page starts if not all jobs were looked at. One query.

    A whole id is found however old its job is.
    """
    try:
        mine = Job.objects.owned_by(user).filter(kind__in=kinds, pk=UUID(asked))
    except ValueError:
        pass
    else:
        return list(mine.values_list("pk", flat=True)), None
    words = asked.split()[:MOST_WORDS]
    statement = IDS.format(words="".join(f" AND {HAS_WORD.format(n=n)}" for n in range(len(words))))
    parameters: dict[str, object] = {"owner": user.pk, "kinds": list(kinds), "size": PAGE_SIZE + 1, "most": MOST_JOBS}
    parameters |= {"before": before or UUID(int=2**128 - 1), "first": UUID(int=0)}
    for n, word in enumerate(words):
        escaped = _escaped(word)
        parameters[f"types{n}"] = _types_called(word, kinds)
        parameters[f"choices{n}"] = [json.dumps(part) for part in islice(_choices_called(word, kinds), MOST_CHOICES)]
        parameters[f"word{n}"], parameters[f"start{n}"] = f"%{escaped}%", f"{escaped.lower()}%"
    found = fetch_all(statement, **parameters)
    edge = next((UUID(int=row["id"].int + 1) for row in found if row["edge"]), None)
    return [row["id"] for row in found if not row["edge"]], edge


def _types_called(word: str, kinds: dict[str, KindPages]) -> list[str]:
    """Kind and identifier of the types with this word in their title, in the language of the page, or identifier."""
    wanted = word.casefold()
    return [
        f"{kind} {known.identifier}"
        for kind, pages in kinds.items()
        for known in pages.resource.types.all()
        if wanted in str(known.title).casefold() or wanted in known.identifier
    ]


def _choices_called(word: str, kinds: dict[str, KindPages]) -> Iterator[dict[str, Any]]:
    """Parts of payloads: values of parameters whose label, which the pages show in their place, has this word."""
    wanted = word.casefold()
    for kind, pages in kinds.items():
        for known in pages.resource.types.all():
            for name, field in known.Parameters().fields.items():
                if not isinstance(field, serializers.ChoiceField):
                    continue
                several = isinstance(field, serializers.MultipleChoiceField)
                for value, label in field.choices.items():
                    if wanted in str(label).casefold():
                        given = {name: [value] if several else value}
                        yield {f"{kind}Type": known.identifier, "parameters": given}


def _escaped(word: str) -> str:
    """The word as LIKE takes it literally."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
