"""Large uploads: the same files as in `uploads`, with as many rows as the largest report has."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from django.contrib.auth.models import User

from bench.articles.files import BAD_EVERY, write_articles
from bench.articles.table import State, article_table, empty, state
from bench.loaders import fill, psql_copy_in, upload_and_run
from bench.measuring import Measured, WrongWorkError, settle, turns
from bench.registry import Setting
from bench.table import Row
from bench.uploads import COPY, paused_queue
from config.stack.stopping import say

NEW: Final = "all new"
BAD: Final = "all new, 1 % bad, partial"
UNCHANGED: Final = "all known and as they are"
UPDATED: Final = "all known, with another price"


def run(setting: Setting) -> list[Row]:
    """There is no warm-up, and only `psql` beside it: Django's ways would take minutes, at the rate that they have."""
    rows, folder = setting.rows, setting.folder.path
    say(f"upload-large: writing files of {rows:,} rows")
    clean = write_articles(folder / "articles.csv", rows)
    dearer = write_articles(folder / "dearer.csv", rows, dearer=1)
    bad = write_articles(folder / "bad.csv", rows, bad=True)
    upload = partial(upload_and_run, User.objects.create_user("upload-large"))
    good = rows - rows // BAD_EVERY
    seconds: dict[str, list[float]] = {name: [] for name in (COPY, NEW, BAD, UNCHANGED, UPDATED)}
    say("upload-large: measuring")
    with paused_queue(), article_table():
        fill(dearer)
        wanted = state()
        fill(clean)
        known = state()
        work: dict[str, tuple[Callable[[], None], Callable[[], Any], dict[str, int], State | None]] = {
            COPY: (empty, partial(psql_copy_in, clean), {}, known),
            NEW: (empty, partial(upload, clean), {"rowsInserted": rows}, known),
            BAD: (empty, partial(upload, bad, mode="partial"), {"rowsInserted": good}, None),
            UNCHANGED: (partial(fill, clean), partial(upload, clean), {"rowsUnchanged": rows}, known),
            UPDATED: (partial(fill, clean), partial(upload, dearer), {"rowsUpdated": rows}, wanted),
        }
        for name, _ in turns(list(work), repeat=setting.repeat, warm_up=False):
            begin, do, counts, end = work[name]
            begin()
            settle()
            started = time.perf_counter()
            summary = do()
            seconds[name].append(time.perf_counter() - started)
            say(f"  {name}: {seconds[name][-1]:.1f} s")
            _require(name, summary, counts, end)
    rates = {name: Measured(name, taken, "s").per_second(rows, "rows") for name, taken in seconds.items()}

    def row(name: str, what: str, beside: str) -> Row:
        ratio = rates[what].median / rates[beside].median
        return Row(name, f"{rows:,} rows, {what}", rates[what], rates[beside], ratio, "×", None)

    return [
        row("upload-large", NEW, COPY),
        row("upload-large-bad", BAD, NEW),
        row("upload-large-unchanged", UNCHANGED, NEW),
        row("upload-large-updated", UPDATED, NEW),
    ]


def _require(name: str, summary: Mapping[str, Any] | None, counts: Mapping[str, int], end: State | None) -> None:
    """Raises WrongWorkError unless the upload has said what it should, and the table holds it."""
    for key, count in counts.items():
        if (found := (summary or {})[key]) != count:
            raise WrongWorkError(f"{name}: {key} is {found:,} and not {count:,}")
    if end is not None and state() != end:
        raise WrongWorkError(f"{name}: the table does not hold what the file does")
