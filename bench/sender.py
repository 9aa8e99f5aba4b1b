"""A contender that orders from a process of its own, which lives through all its turns."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Final, cast

from bench.measuring import WrongWorkError
from config.stack.datafolder import BASE_DIR

#: For what is left to do when there are no more turns. Seconds.
END_SECONDS: Final = 30


@contextmanager
def sender(module: str, environment: Mapping[str, str]) -> Iterator[Callable[[int], dict[str, int]]]:
    """Run `python -m module`, which calls `bench.counting.serve`; gives a function that orders so many jobs.

    That function returns what was counted when they had finished. It raises WrongWorkError when the process
    has ended.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=BASE_DIR,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,  # a line
    )
    requests, answers = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)

    def order(jobs: int) -> dict[str, int]:
        try:
            requests.write(f"{jobs}\n")
            answer = answers.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise WrongWorkError(f"{module} ended; the lines above say why")
        counts: dict[str, int] = json.loads(answer)
        return counts

    try:
        yield order
    finally:
        try:
            process.communicate(timeout=END_SECONDS)  # the end of its input ends it
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
