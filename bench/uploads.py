"""Uploads: a file of articles into the table, beside `psql \\copy` and Django's `bulk_create`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from django.contrib.auth.models import User

from bench.articles.files import BAD_EVERY, write_articles
from bench.articles.table import State, article_table, empty, state
from bench.loaders import (
    bulk_create,
    bulk_upsert,
    checked_bulk_create,
    fill,
    import_export,
    psql_copy_in,
    upload_and_run,
)
from bench.measuring import Measured, WrongWorkError, alternate
from bench.registry import Setting
from bench.table import Row
from config.stack.stopping import say
from jobs.models import Queue

OURS: Final = "Longhaul"
COPY: Final = r"psql \copy"
UPSERT: Final = "bulk_create(update_conflicts=True)"
CHECKED: Final = "clean_fields, bulk_create"
IMPORT_EXPORT: Final = "django-import-export"
#: It is so slow that it gets a file with so many times fewer rows.
FEWER: Final = 10

#: What an upload says about its rows; nothing for the other contenders.
Summary = Mapping[str, Any] | None


def run(setting: Setting) -> list[Row]:
    """New rows, new rows of which some are bad, known rows as they are, and known rows with another price."""
    rows, folder = setting.upload_rows, setting.folder.path
    say(f"uploads: writing files of {rows:,} rows")
    clean = write_articles(folder / "articles.csv", rows)
    dearer = write_articles(folder / "dearer.csv", rows, dearer=1)
    bad = write_articles(folder / "bad.csv", rows, bad=True)
    upload = partial(upload_and_run, User.objects.create_user("uploads"))
    say("uploads: measuring")
    with paused_queue(), article_table():
        measure = partial(_measure, setting.repeat)
        psql_copy_in(clean)
        known = state()
        empty()
        new = measure(
            {
                OURS: partial(upload, clean),
                "1 % bad": partial(upload, bad, mode="partial"),
                COPY: partial(psql_copy_in, clean),
                "bulk_create": partial(bulk_create, clean),
                CHECKED: partial(checked_bulk_create, clean),
            },
            begin=empty,
            # A row that is bad is left out, so the sum of what is there is not known beforehand.
            end=lambda name: None if name == "1 % bad" else known,
            counts={OURS: {"rowsInserted": rows}, "1 % bad": {"rowsInserted": rows - rows // BAD_EVERY}},
        )
        fill(clean)
        same = measure(
            {OURS: partial(upload, clean), UPSERT: partial(bulk_upsert, clean)},
            begin=lambda: None,
            end=lambda name: known,
            counts={OURS: {"rowsUnchanged": rows}},
        )
        bulk_upsert(dearer)
        wanted = state()
        refill = partial(fill, clean)
        refill()
        changed = measure(
            {OURS: partial(upload, dearer), UPSERT: partial(bulk_upsert, dearer)},
            begin=refill,
            end=lambda name: wanted,
            counts={OURS: {"rowsUpdated": rows}},
        )
        few = [] if setting.quick else beside_import_export(setting, upload)
    new, same, changed = (
        {name: measured.per_second(rows, "rows") for name, measured in each.items()} for each in (new, same, changed)
    )
    work = f"{rows:,} rows"

    def row(name: str, what: str, ours: Measured, beside: Measured, target: float | None) -> Row:
        return Row(name, f"{work}, {what}", ours, beside, ours.median / beside.median, "×", target)

    return [
        row("upload", "all new", new[OURS], new[COPY], 0.4),
        row("upload-bulk", "all new", new[OURS], new["bulk_create"], 2.5),
        row("upload-checked", "all new", new[OURS], new[CHECKED], None),
        row("upload-bad", "all new, 1 % bad, partial", new["1 % bad"], new[OURS], 0.5),
        row("upload-unchanged", "all known and as they are", same[OURS], new[OURS], 1.0),
        row("upload-unchanged-bulk", "all known and as they are", same[OURS], same[UPSERT], None),
        row("upload-updated", "all known, with another price", changed[OURS], changed[UPSERT], None),
        *few,
    ]


def beside_import_export(setting: Setting, upload: Callable[[Path], Summary]) -> list[Row]:
    """New rows, and known rows of which each gets another price."""
    rows, folder = max(1, setting.upload_rows // FEWER), setting.folder.path
    files = [write_articles(folder / f"few-{dearer}.csv", rows, dearer=dearer) for dearer in (0, 1)]
    wanted = []
    for file in files:
        fill(file)
        wanted.append(state())

    def row(name: str, what: str, file: Path, end: State, *, counted: str, begin: Callable[[], None]) -> Row:
        begin()
        measured = _measure(
            1,  # these rows have no target, and django-import-export takes longer than all others together
            {OURS: partial(upload, file), IMPORT_EXPORT: partial(import_export, file)},
            begin=begin,
            end=lambda _: end,
            counts={OURS: {counted: rows}},
        )
        ours, theirs = (measured[each].per_second(rows, "rows") for each in (OURS, IMPORT_EXPORT))
        return Row(name, f"{rows:,} rows, {what}", ours, theirs, ours.median / theirs.median, "×", None)

    refill = partial(fill, files[0])
    return [
        row("upload-few", "all new", files[0], wanted[0], counted="rowsInserted", begin=empty),
        row(
            "upload-few-updated",
            "all known, with another price",
            files[1],
            wanted[1],
            counted="rowsUpdated",
            begin=refill,
        ),
    ]


def _measure(
    repeat: int,
    contenders: Mapping[str, Callable[[], Summary]],
    *,
    begin: Callable[[], None],
    end: Callable[[str], State | None],
    counts: Mapping[str, Mapping[str, int]],
) -> dict[str, Measured]:
    """`begin` prepares the table, off the clock; `end` is what must be in it after a run, and `counts` what is said."""

    def inspect(name: str, summary: Summary) -> None:
        wanted = end(name)
        if wanted is not None and state() != wanted:
            raise WrongWorkError(f"{name}: the table does not hold what the file does")
        for key, count in counts.get(name, {}).items():
            found = (summary or {})[key]
            if found != count or (wanted is None and state()[0] != count):
                raise WrongWorkError(f"{name}: {key} is {found:,} and not {count:,}")
        begin()

    return alternate(contenders, repeat=repeat, inspect=inspect)


@contextmanager
def paused_queue() -> Iterator[None]:
    """This process runs the uploads itself."""
    queue = Queue.objects.filter(name="uploads")
    queue.update(paused=True)
    try:
        yield
    finally:
        queue.update(paused=False)
