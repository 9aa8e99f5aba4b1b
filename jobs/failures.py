"""What jobs and attempts keep of an error, for the staff: class, message, traceback, fingerprint; and no secrets."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from django.conf import settings

from jobs.classification import sqlstate
from jobs.masking import MASK, SECRET_WORDS

#: Characters kept of a message and of a traceback. The end of a traceback is what says most.
LONGEST_MESSAGE = 2_000
LONGEST_TRACEBACK = 30_000

_CREDENTIALS_IN_URL = re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)")
_NAMED_SECRET = re.compile(
    rf"""(?ix) \b ([\w-]* (?: {SECRET_WORDS} ) [\w-]*
    ["']? \s* [:=] \s* ["']? (?: (?: bearer | basic ) \s+ )? ) [^\s"',;&)}}\]]+"""
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")
#: A row may go over several lines: to the next part of PostgreSQL's message, the next error of a traceback, or the end.
#: Within `repr()` the start of a line is an escape. However long the text, each of its characters is looked at once.
_ROW_OF_DATA = re.compile(
    r"""(?xms) ( (?:^|\\n) DETAIL: [^(\n]{0,100} \( )
    ( (?: (?! \n (?: [A-Z]+ :\ | \n (?: The\ above | During\ handling ) ) ) . )* )"""
)
_VARIES = re.compile(r"""(?x) '[^']*' | "[^"]*" | [0-9a-fA-F]{8,} | \d+ """)


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
    name = class_name(error)
    message = redact(str(error), secrets)[:LONGEST_MESSAGE]
    text = redact("".join(traceback.format_exception(error)), secrets) if error.__traceback__ else ""
    return FailureRecord(name[:200], message, fingerprint(error, kind=kind), text[-LONGEST_TRACEBACK:])


def class_name(error: BaseException) -> str:
    """The dotted name of the error's class."""
    cls = type(error)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def fingerprint(error: BaseException, *, kind: str) -> str:
    """Equal for failures of one kind that have one cause: 16 hexadecimal digits.

    Of the class, PostgreSQL's code, the functions that the error came through, and the first line of the
    message without what varies (numbers, identifiers, quoted text).
    """
    frames = [f"{Path(frame.filename).name}:{frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    message = _VARIES.sub("…", str(error).split("\n", 1)[0])
    parts = [kind, class_name(error), sqlstate(error) or "", *frames, message]
    return sha256("\n".join(parts).encode(errors="replace")).hexdigest()[:16]


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without the secrets that can be recognised, and without what PostgreSQL cannot store (NUL, surrogates).

    Those are `secrets`, the service's own (SECRET_KEY, passwords of its servers), credentials in URLs, values named
    password, token and the like, and the row of data that PostgreSQL quotes in a DETAIL line.
    """
    text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
    spelt = {form for secret in (*_own_secrets(), *secrets) for form in _spellings(secret)}
    for secret in sorted(spelt, key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _CREDENTIALS_IN_URL.sub(MASK, text)
    text = _NAMED_SECRET.sub(rf"\1{MASK}", text)
    text = _BEARER.sub(rf"\1 {MASK}", text)
    return _ROW_OF_DATA.sub(_without_row, text)


def in_one_line(error: Exception, secrets: Iterable[str] = ()) -> str:
    """What an error says first, without secrets."""
    return redact(str(error).strip(), secrets).split("\n", 1)[0]


def _without_row(found: re.Match[str]) -> str:
    _, end, rest = found[2].rpartition(")")
    return f"{found[1]}{MASK}{end}{rest if end else ''}"


def _spellings(secret: str) -> set[str]:
    """As it may stand in a text: as it is, within `repr()`, within JSON, within a URL."""
    quoted = {repr(secret)[1:-1], json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return {secret, quote(secret, safe=""), *quoted}


@cache
def _own_secrets() -> tuple[str, ...]:
    passwords = [unquote(urlsplit(settings.REDIS_URL).password or "")]
    passwords += [str(database.get("PASSWORD") or "") for database in settings.DATABASES.values()]
    return tuple(secret for secret in (settings.SECRET_KEY, *passwords) if len(secret) >= 6)
