"""The names of all queues: Longhaul's own, and those in the variable QUEUES, which only this module reads.

`python -m config.queues` prints the queues of a worker for CSV work, for its option -Q.
"""

import os
import re
import sys
from collections.abc import Mapping
from typing import Final

#: For messages that are not jobs: the sweeps that Beat sends.
HOUSEKEEPING: Final = "housekeeping"
#: Consumed by workers for CSV work, together with the queues in QUEUES.
CSV_QUEUES: Final = ("reports", "uploads")
#: Consumed by a separate worker, because receivers and mail servers that hang must not hold up a sweep.
CALLBACK_QUEUES: Final = ("callbacks", "mail")
#: Consumed by a separate worker with many threads, which wait for slow APIs.
CALL_QUEUES: Final = ("calls",)
#: Consumed by a separate worker, because a function of any app may take long, and must be ended if it does not stop.
TASK_QUEUES: Final = ("tasks",)
#: Short work that mostly waits for PostgreSQL.
IO_QUEUES: Final = ("operations", HOUSEKEEPING)
OTHER_QUEUES: Final = (*CALLBACK_QUEUES, *CALL_QUEUES, *TASK_QUEUES, *IO_QUEUES)
#: Some characters have a meaning in the Redis transport, and the column for the name has 50 characters.
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,49}")


def csv_queues(environment: Mapping[str, str]) -> tuple[str, ...]:
    """`reports`, `uploads`, and the queues in QUEUES. Raises ValueError if one of these is not a valid name."""
    named = [name.strip() for name in environment.get("QUEUES", "").split(",")]
    for name in named:
        if name and not NAME.fullmatch(name):
            raise ValueError(
                f"QUEUES: {name!r} is not the name of a queue. "
                "Use up to 50 letters, digits, hyphens, dots and underscores, and commas between names."
            )
    further = [name for name in named if name and name not in OTHER_QUEUES]
    return tuple(dict.fromkeys((*CSV_QUEUES, *further)))


def queues_of_tasks(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The queue for tasks, and those in QUEUES: a task may name any of them. Raises ValueError as `csv_queues` does."""
    return (*TASK_QUEUES, *csv_queues(environment)[len(CSV_QUEUES) :])


def all_queues(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Every queue that messages may go to. Raises ValueError as `csv_queues` does."""
    return (*csv_queues(environment), *OTHER_QUEUES)


if __name__ == "__main__":
    try:
        sys.stdout.write(",".join(csv_queues(os.environ)) + "\n")
    except ValueError as error:
        sys.exit(str(error))
