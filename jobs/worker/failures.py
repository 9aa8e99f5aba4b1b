"""The record of an error that jobs and attempts keep for staff: class, message, traceback, fingerprint; no secrets."""

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
#: How much of a message goes into the fingerprint. Characters.
LONGEST_FINGERPRINTED: Final = 1_000

_VARIES: Final = re2.compile(r"""'[^']*'|"[^"]*"|[0-9a-fA-F]{8,}|\d+""")
#: A message that was cut may end within a quotation.
_VARIES_IN_CUT: Final = re2.compile(r"""'[^']*'?|"[^"]*"?|[0-9a-fA-F]{8,}|\d+""")


@dataclass(frozen=True)
class FailureRecord:
    """The columns `error_class`, `error_message`, `error_fingerprint`, and `traceback` of an attempt."""

    error_class: str
    error_message: str
    error_fingerprint: str
    traceback: str

    def columns(self) -> dict[str, str]:
        """The columns that jobs and attempts share."""
        return {
            "error_class": self.error_class,
            "error_message": self.error_message,
            "error_fingerprint": self.error_fingerprint,
        }


def describe_failure(error: BaseException, *, kind: str, secrets: Iterable[str] = ()) -> FailureRecord:
    """Describe an error of a job of this kind, whose payload has these secrets. A traceback shows no variables."""
    secrets = frozenset(secrets)
    message = redact(str(error), secrets)[:LONGEST_MESSAGE]
    text = redact("".join(traceback.format_exception(error)), secrets) if error.__traceback__ else ""
    digest = fingerprint(error, kind=kind, secrets=secrets)
    return FailureRecord(class_name(error)[:200], message, digest, text[-LONGEST_TRACEBACK:])


def class_name(error: BaseException) -> str:
    """The dotted name of the error's class."""
    cls = type(error)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def fingerprint(error: BaseException, *, kind: str, secrets: Iterable[str] = ()) -> str:
    """16 hexadecimal digits that are equal for failures of one kind with the same cause.

    A hash of the error's class, its SQLSTATE, the functions in its traceback, and the first line of its message
    without numbers, identifiers, quoted text, and secrets (which could be guessed from the hash).
    """
    frames = [f"{Path(frame.filename).name}:{frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    line = redact(str(error), secrets).split("\n", 1)[0]
    varies = _VARIES if len(line) <= LONGEST_FINGERPRINTED else _VARIES_IN_CUT
    message = varies.sub("…", line[:LONGEST_FINGERPRINTED])
    parts = [kind, class_name(error), sqlstate(error) or "", *frames, message]
    return sha256("\n".join(parts).encode(errors="replace")).hexdigest()[:16]
