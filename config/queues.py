"""The names of all queues. The variable QUEUES names those beside Longhaul's own; here is the only place that reads it.

`python -m config.queues` prints what a worker for CSV work consumes, for its option -Q.
"""

import os
import re
import sys
from collections.abc import Mapping
from typing import Final

#: Messages that are no job: the ticks of Beat.
HOUSEKEEPING: Final = "housekeeping"
#: Consumed by the workers for CSV work, together with all queues that QUEUES names.
CSV_QUEUES: Final = ("reports", "uploads")
#: Consumed by a worker of its own: receivers that hang must not hold up a sweep.
CALLBACK_QUEUES: Final = ("callbacks",)
#: Short work that mostly waits for PostgreSQL.
IO_QUEUES: Final = ("operations", HOUSEKEEPING)
OTHER_QUEUES: Final = (*CALLBACK_QUEUES, *IO_QUEUES)
#: Redis' transport gives some characters a meaning of their own, and a queue is a row with a name of 50 characters.
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,49}")


def csv_queues(environment: Mapping[str, str]) -> tuple[str, ...]:
    """`reports`, `uploads`, and what QUEUES names. Raises ValueError where that is no name of a queue."""
    named = [name.strip() for name in environment.get("QUEUES", "").split(",")]
    for name in named:
        if name and not NAME.fullmatch(name):
            raise ValueError(
                f"QUEUES: {name!r} is not the name of a queue. "
                "Use up to 50 letters, digits, hyphens, dots and underscores, and commas between names."
            )
    further = [name for name in named if name and name not in OTHER_QUEUES]
    return tuple(dict.fromkeys((*CSV_QUEUES, *further)))


def all_queues(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Every queue that messages may go to. Raises ValueError as `csv_queues` does."""
    return (*csv_queues(environment), *OTHER_QUEUES)


if __name__ == "__main__":
    try:
        sys.stdout.write(",".join(csv_queues(os.environ)) + "\n")
    except ValueError as error:
        sys.exit(str(error))
