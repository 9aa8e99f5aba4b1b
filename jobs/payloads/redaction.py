"""Redaction: remove secrets that can be recognized from a text, and characters that PostgreSQL cannot store.

Users and report types control these texts, so its time is bounded: RE2 never backtracks, and only the beginning and the
end of a long text are kept and searched.
"""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

import re2
from django.conf import settings

from jobs.payloads.masking import MASK, SENSITIVE

#: Error messages are cut to this length. Characters.
LONGEST_MESSAGE: Final = 2_000
#: What is kept of a longer text. The end of a traceback is the most informative part. Characters.
KEPT_AT_BEGINNING: Final = 8_000
KEPT_AT_END: Final = 32_000
#: How far beyond a kept part the search for secrets that reach into it goes. Characters.
OVERLAP: Final = 2_000
#: Only the beginning of a longer secret is searched for, and the text is masked from there to its end. Characters.
LONGEST_SECRET: Final = 4_000
#: If a payload has more secrets, texts about it are not shown at all.
MOST_SECRETS: Final = 200
TOO_MANY_SECRETS: Final = "*** (This text is not shown because the payload has too many secrets.)"

#: RE2's own `\s` and `\w` match ASCII only.
_SPACE: Final = r"\s\v\pZ\x{85}\x1c-\x1f"
_WORD: Final = r"\pL\pN_"
_VALUE: Final = rf"[^{_SPACE}\"',;&)}}\]]+"

#: The first group of each pattern is the secret. Quotes may be escaped, as in JSON within JSON.
_CREDENTIALS_IN_URL: Final = re2.compile(rf"://([^/{_SPACE}:@]*:[^/{_SPACE}@]+)@")
_NAMED_SECRET: Final = re2.compile(
    rf"(?i)(?:{SENSITIVE})[{_WORD}-]*\\?[\"']?[{_SPACE}]*[:=][{_SPACE}]*\\?[\"']?"
    rf"(?:(?:bearer|basic)[{_SPACE}]+)?({_VALUE})"
)
_BEARER: Final = re2.compile(rf"(?i)\b(?:bearer|basic)[{_SPACE}]+([{_WORD}.~+/=-]{{8,}})")
_PATTERNS: Final = (_CREDENTIALS_IN_URL, _NAMED_SECRET, _BEARER)
#: The start of a row of data that PostgreSQL quotes. In the `repr()` of a message, line breaks are escaped.
_ROW_BEGINS: Final = re2.compile(r"(?m)(?:^|\\n)DETAIL:[^(\n]{0,100}\(")
#: A row may span lines: it ends at the next part of PostgreSQL's message, or at the next error of a traceback.
_ROW_ENDS: Final = re2.compile(r"\n(?:[A-Z]+: |\n(?:The above|During handling))")
#: The excerpt of a statement or JSON value that PostgreSQL quotes, cut anywhere, so that it may hold part of a secret.
#: In the `repr()` of a message, the rest of the message follows on the same line.
_EXCERPT: Final = re2.compile(
    r"(?m)(?:^|\\n)(?:LINE [0-9]+: |CONTEXT:  JSON data, line [0-9]+: |DETAIL:  Token )([^\n]+)"
)
_BLANK: Final = re2.compile(rf"[{_SPACE}]")

#: Start and end positions in the text.
Span = tuple[int, int]


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` with `***` in place of each secret; only the beginning and the end of a long text.

    Secrets are `secrets`, the service's own (SECRET_KEY, passwords of its servers), credentials in URLs, values named
    password, token and the like, and the row of data that PostgreSQL quotes in a DETAIL line. If there are `secrets`,
    excerpts of a statement that PostgreSQL quotes are masked, too.
    """
    secrets = frozenset(secrets)
    forms = _forms(secrets)
    if forms is None:
        return TOO_MANY_SECRETS
    text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
    patterns = (*_PATTERNS, _EXCERPT) if secrets else _PATTERNS
    if len(text) <= KEPT_AT_BEGINNING + KEPT_AT_END:
        return _masked(text, 0, len(text), forms, patterns)
    beginning = _masked(text, 0, KEPT_AT_BEGINNING, forms, patterns)
    end = _masked(text, len(text) - KEPT_AT_END, len(text), forms, patterns)
    return f"{beginning}\n[{len(text) - KEPT_AT_BEGINNING - KEPT_AT_END:,} characters left out]\n{end}"


def cleared(text: str, secrets: Iterable[str]) -> str:
    """`text` with each secret removed; empty if there are too many secrets to search for."""
    redacted = redact(text, secrets)
    return "" if redacted == TOO_MANY_SECRETS else redacted.replace(MASK, "")


def in_one_line(error: Exception, secrets: Iterable[str] = ()) -> str:
    """The first line of an error, without secrets."""
    return redact(str(error).strip(), secrets).split("\n", 1)[0]


def _masked(text: str, start: int, end: int, forms: tuple[str, ...], patterns: tuple[Any, ...]) -> str:
    """A part of the text with its secrets masked, including secrets that only reach into it."""
    first, last = max(0, start - OVERLAP), min(len(text), end + OVERLAP)
    pieces: list[str] = []
    done = start
    known, recognized = _known(text, first, last, forms), _recognized(text, first, last, patterns)
    for begins, ends in sorted((*known, *recognized, *_cut(text, start, end))):
        if ends <= done or begins >= end:
            continue
        if begins > done or not pieces:  # else the previous mask covers both
            pieces += [text[done : max(done, begins)], MASK]
        done = min(ends, end)
    return "".join([*pieces, text[done:end]])


def _known(text: str, first: int, last: int, forms: tuple[str, ...]) -> Iterator[Span]:
    """The spans of known secrets, including those that only reach into this part."""
    for form in forms:
        if len(form) >= LONGEST_SECRET:
            if (at := text.find(form)) >= 0:
                yield at, len(text)
            continue
        position, limit = max(0, first - len(form) + 1), min(len(text), last + len(form) - 1)
        while (at := text.find(form, position, limit)) >= 0:
            position = at + len(form)
            yield at, position


def _recognized(text: str, first: int, last: int, patterns: tuple[Any, ...]) -> Iterator[Span]:
    """The spans of texts that look like secrets."""
    part = text[first:last]
    for pattern in patterns:
        for found in pattern.finditer(part):
            yield first + found.start(1), first + found.end(1)
    for begins, ends in _rows(part, is_in_row=first > 0 and _ends_in_row(text[:first]), is_cut=last < len(text)):
        yield first + begins, first + ends


def _rows(part: str, *, is_in_row: bool, is_cut: bool) -> Iterator[Span]:
    """The spans of rows of data: the text between their parentheses, or up to the end if none closes the row."""
    ends = deque(found.start() for found in _ROW_ENDS.finditer(part))
    begins = [found.end() for found in _ROW_BEGINS.finditer(part)]
    if is_in_row:
        begins.insert(0, 0)
    done = 0
    for begin in begins:
        if begin < done:
            continue  # within the previous row
        while ends and ends[0] < begin:
            ends.popleft()
        done = ends[0] if ends else len(part)
        closing = -1 if is_cut and not ends else part.rfind(")", begin, done)
        yield begin, done if closing < 0 else closing


def _ends_in_row(text: str) -> bool:
    """Whether a row begins in this text and does not end. When in doubt, true."""
    at = text.rfind("DETAIL:")
    return at >= 0 and _ROW_ENDS.search(text[at:]) is None


def _cut(text: str, start: int, end: int) -> Iterator[Span]:
    """The spans of words that are cut and extend beyond the overlap: too long to tell whether they are secret."""
    if start > 0 and not _BLANK.search(text[start - OVERLAP : start]):
        found = _BLANK.search(text[start:end])
        yield start, start + found.start() if found else end
    if end < len(text) and not _BLANK.search(text[end : end + OVERLAP]):
        blanks = [each.end() for each in _BLANK.finditer(text[start:end])]
        yield start + blanks[-1] if blanks else start, end


@lru_cache(maxsize=8)  # the texts of one page, or of one failure, have the same secrets
def _forms(secrets: frozenset[str]) -> tuple[str, ...] | None:
    """The secrets in all forms in which a text may quote them; None if there are too many to search for."""
    if len(secrets) > MOST_SECRETS:
        return None
    return tuple({form for secret in (*_own_secrets(), *secrets) if secret for form in _spellings(secret)})


def _spellings(secret: str) -> set[str]:
    """The secret as it is and as SQL quotes it; each as plain text, in `repr()`, in JSON, and in a URL."""
    secret = secret[:LONGEST_SECRET].encode(errors="replace").decode()
    in_sql = secret.replace("'", "''")
    return {
        spelling
        for form in {secret, in_sql, in_sql.replace("\\", "\\\\")}
        for spelling in (
            form,
            quote(form, safe=""),
            repr(form)[1:-1],
            repr(f"\"'{form}")[4:-1],  # if the text around it has both kinds of quotes
            json.dumps(form)[1:-1],
            json.dumps(form, ensure_ascii=False)[1:-1],
        )
    }


@cache
def _own_secrets() -> tuple[str, ...]:
    logins = (*settings.DATABASES.values(), settings.REPORTS_LOGIN)
    passwords = [str(login.get("PASSWORD") or "") for login in logins]
    redis = unquote(urlsplit(settings.REDIS_URL).password or "")
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS, redis, *passwords, *_of_the_mail_server())
    return tuple(secret for secret in secrets if len(secret) >= 6)


def _of_the_mail_server() -> tuple[str, ...]:
    """The password of EMAIL_URL, also as it is sent (AUTH LOGIN and PLAIN): a server may repeat what it refuses."""
    user, password = settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD
    if not password:
        return ()
    return password, *(base64.b64encode(sent.encode()).decode() for sent in (password, f"\0{user}\0{password}"))
