"""psql, which reads a report's rows at a steady rate: what the rows alone cost the server, whoever reads them."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final, cast

from bench.contenders import PSQL, safe_statement
from bench.measuring import WrongWorkError
from bench.pace import paced

#: As often as the worker reads.
READS_PER_SECOND: Final = 10
#: Of the first bytes, which tell how long a row is.
SAMPLE_BYTES: Final = 1 << 20


class Reader:
    """A thread that reads. `look` and `rows_per_second` are those of `bench.ordered.Watch`."""

    def __init__(self, output: IO[bytes], *, rows_per_second: int) -> None:
        self.rows = 0
        self._looks: list[tuple[float, int]] = []
        self._output = output
        self._rows_per_second = rows_per_second
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def look(self) -> None:
        """Raises WrongWorkError when its rows have ended."""
        if not self._thread.is_alive():
            raise WrongWorkError(f"psql ended after {self.rows:,} rows; it needs more --rows, or fewer --seconds")
        self._looks.append((time.monotonic(), self.rows))

    def rows_per_second(self) -> float:
        """From the first look to the last."""
        (began, before), *_, (ended, after) = self._looks
        return (after - before) / (ended - began)

    def close(self) -> None:
        """The output has ended or is about to."""
        self._ends.set()
        self._thread.join()

    def _read(self) -> None:
        sample = self._output.read(SAMPLE_BYTES)
        self.rows = sample.count(b"\n")
        bytes_at_once = len(sample) * self._rows_per_second // max(self.rows, 1) // READS_PER_SECOND
        for _ in paced(1 << 40, per_second=READS_PER_SECOND):
            if self._ends.is_set():
                return
            if not (read := self._output.read(bytes_at_once)):
                return
            self.rows += read.count(b"\n")


@contextmanager
def psql_reading(*, rows_per_second: int) -> Iterator[Reader]:
    """For the length of the block."""
    statement, _ = safe_statement()
    arguments = [str(PSQL), "--no-psqlrc", "--quiet", "--command", statement, os.environ["DATABASE_URL"]]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, env={**os.environ, "PGTZ": "UTC"}) as process:
        reader = Reader(cast("IO[bytes]", process.stdout), rows_per_second=rows_per_second)
        try:
            yield reader
        finally:
            process.kill()
            reader.close()
