"""What jobs and attempts keep of an error, for the staff: class, message, traceback, fingerprint; and no secrets."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import re2

from jobs.classification import sqlstate
from jobs.payloads.redaction import LONGEST_MESSAGE, redact

LONGEST_TRACEBACK: Final = 30_000
#: Characters of a message that tell failures apart.
LONGEST_FINGERPRINTED: Final = 1_000

_VARIES: Final = re2.compile(r"""'[^']*'|"[^"]*"|[0-9a-fA-F]{8,}|\d+""")
#: What is quoted may end where the message was cut.
_VARIES_IN_CUT: Final = re2.compile(r"""'[^']*'?|"[^"]*"?|[0-9a-fA-F]{8,}|\d+""")


@dataclass(frozen=True)
class FailureRecord:
    """The columns `error_class`, `error_message`, `error_fingerprint`, and `traceback` of an attempt."""

    error_class: str
    error_message: str
    error_fingerprint: str
    traceback: str

    def columns(self) -> dict[str, str]:
        """What job and attempt share."""
        return {
            "error_class": self.error_class,
            "error_message": self.error_message,
            "error_fingerprint": self.error_fingerprint,
        }


def describe_failure(error: BaseException, *, kind: str, secrets: Iterable[str] = ()) -> FailureRecord:
    """Describe `error`, of a job of this kind. Only text is kept: a traceback holds no values of variables.

    `secrets` are those of the job's payload.
    """
    secrets = frozenset(secrets)
    message = redact(str(error), secrets)[:LONGEST_MESSAGE]
    text = redact("".join(traceback.format_exception(error)), secrets) if error.__traceback__ else ""
    print_ = fingerprint(error, kind=kind, secrets=secrets)
    return FailureRecord(class_name(error)[:200], message, print_, text[-LONGEST_TRACEBACK:])


def class_name(error: BaseException) -> str:
    """The dotted name of the error's class."""
    cls = type(error)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def fingerprint(error: BaseException, *, kind: str, secrets: Iterable[str] = ()) -> str:
    """Equal for failures of one kind that have one cause: 16 hexadecimal digits.

    Of the class, PostgreSQL's code, the functions that the error came through, and the first line of the
    message without what varies (numbers, identifiers, quoted text) and without secrets, which could be guessed from it.
    """
    frames = [f"{Path(frame.filename).name}:{frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    line = redact(str(error), secrets).split("\n", 1)[0]
    varies = _VARIES if len(line) <= LONGEST_FINGERPRINTED else _VARIES_IN_CUT
    message = varies.sub("…", line[:LONGEST_FINGERPRINTED])
    parts = [kind, class_name(error), sqlstate(error) or "", *frames, message]
    return sha256("\n".join(parts).encode(errors="replace")).hexdigest()[:16]
