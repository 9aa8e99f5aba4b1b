"""pgbench, PostgreSQL's own benchmark: an application whose transactions must not suffer from the reports.

https://www.postgresql.org/docs/current/pgbench.html
"""

from __future__ import annotations

import math
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from django.db import connection
from psycopg.conninfo import make_conninfo

from bench.contenders import PSQL
from bench.measuring import WrongWorkError

PROGRAM: Final = PSQL.with_name("pgbench")
#: Of its own, on the server that the reports are read from.
DATABASE: Final = "bench_pgbench"
#: 1,000,000 accounts, 150 MB: as much as PostgreSQL's default settings keep in shared buffers.
SCALE: Final = 10
CLIENTS: Final = 4
#: The same for all, so that all get the same transactions at the same times. Any number will do.
SEED: Final = 1
#: How often it is looked what runs meanwhile. Seconds.
LOOK_SECONDS: Final = 0.5


@contextmanager
def pgbench_database(*, scale: int = SCALE) -> Iterator[str]:
    """Create and fill the database; gives its connection string. At the end it is dropped."""
    _drop()
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    try:
        address = make_conninfo(os.environ["DATABASE_URL"], dbname=DATABASE)
        run_pgbench([f"--scale={scale}", "--initialize", "--quiet", address], look=lambda: None)
        yield address
    finally:
        _drop()


def latencies(address: str, *, rate: int, seconds: float, look: Callable[[], None], lead: float = 0.0) -> list[float]:
    """Milliseconds that each transaction took, from when it was due: a wait for a free client is part of it.

    Each second `rate` transactions are due, with five statements and a commit that waits for the disk. It runs for
    `lead` seconds before those that count.

    `look` is called before the first transaction, every half second, and behind the last one; it may raise to end
    it. Raises WrongWorkError when pgbench fails, or takes more than twice as long as it should.
    """
    look()
    with tempfile.TemporaryDirectory(prefix="longhaul-pgbench-") as folder:
        options = [
            f"--rate={rate}",
            f"--transactions={math.ceil(rate * (lead + seconds) / CLIENTS)}",
            f"--client={CLIENTS}",
            f"--random-seed={SEED}",
        ]
        run_pgbench([*options, "--log", f"--log-prefix={folder}/log", address], look=look)
        look()
        done = [each for log in Path(folder).iterdir() for each in parse_log(log.read_text().splitlines())]
    began, ended = min(at for at, _ in done), max(at for at, _ in done)
    if ended - began > 2 * (lead + seconds):
        raise WrongWorkError(
            f"pgbench came to {len(done) / (ended - began):,.0f} transactions per second, of {rate:,} that were due"
        )
    return [milliseconds for at, milliseconds in done if at - began >= lead]


def run_pgbench(arguments: Sequence[str], *, look: Callable[[], None]) -> None:
    """Run it to its end. Raises WrongWorkError with the last two lines that it wrote, when it fails."""
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [str(PROGRAM), *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            while not _has_ended(process):
                look()
        finally:
            process.kill()
            process.wait()
        if process.returncode != 0:
            output.seek(0)
            raise WrongWorkError(f"pgbench failed: {'; '.join(output.read().splitlines()[-2:])}")


def parse_log(lines: Iterable[str]) -> Iterator[tuple[float, float]]:
    """When each ended, in seconds, and its milliseconds.

    A line is: client, transaction, microseconds, script, second, microsecond, microseconds late.

    Raises WrongWorkError for a transaction that failed.
    """
    for line in lines:
        _, _, microseconds, _, second, rest, *_ = line.split()
        if not microseconds.isdigit():
            raise WrongWorkError(f"a transaction of pgbench {microseconds}")
        yield int(second) + int(rest) / 1e6, int(microseconds) / 1000


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _drop() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
