"""What the schema cannot say."""

import os
import re
from base64 import b64encode
from collections import Counter
from typing import Any, Final
from urllib.parse import quote, urlencode

import schemathesis
from hypothesis import strategies as st

#: That of `jobs.types.callback_fields`, which only a Django process can import.
PUBLIC_URL: Final = r"^https://[a-z]{2,20}(\.[a-z]{2,20}){1,3}(/[A-Za-z0-9_-]{0,40}){0,3}(\?[a-z0-9=&]{1,40})?$"

#: gunicorn answers request lines of more than 8,190 bytes itself, with 414. They have a method and a version, too.
LONGEST_TARGET: Final = 8_000

#: The coverage phase makes every case that the schema defines, and has no bound of its own: one in so many is sent.
ONE_IN: Final = int(os.environ.get("FUZZ_COVERAGE_ONE_IN", "1"))
_made: Final[Counter[str]] = Counter()


#: Characters of a column's heading, as the schema says.
LONGEST_HEADING: Final = 1000

#: Parameters whose values the schema does not tie to what they name: the id of an upload, columns of a type.
UNTIED: Final = ("corrects", "headings")
#: What they say must be true of the body that is sent.
OF_THE_BODY: Final = ("content-digest", "content-encoding", "repr-digest")


@schemathesis.hook
def map_headers(context: Any, headers: Any) -> Any:
    """Without those that the schema does not tie to the body."""
    return headers and {name: value for name, value in headers.items() if name.lower() not in OF_THE_BODY}


@schemathesis.hook
def map_query(context: Any, query: Any) -> Any:
    """Without what the schema does not tie to a resource or a type."""
    return query and {name: value for name, value in query.items() if name not in UNTIED}


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """Whether to send it. Cases of one sort follow each other, so each sort that is big enough keeps some."""
    if len(quote(case.formatted_path)) + len(urlencode(case.query or {}, doseq=True)) > LONGEST_TARGET:
        return False
    if case.meta is None or case.meta.phase.name.value != "coverage":
        return True
    case.body = map_body(context, case.body)  # schemathesis itself calls it in the other phases only
    if any(name in UNTIED for name in case.query or {}) or any(
        name.lower() in OF_THE_BODY for name in case.headers or {}
    ):
        return False
    name = f"{case.operation.label} {case.meta.generation.mode.value}"
    _made[name] += 1
    return _made[name] % ONE_IN == 1 % ONE_IN


@schemathesis.hook
def filter_query(context: Any, query: Any) -> bool:
    """Whether the schema tells what becomes of this query."""
    return not isinstance(query, dict) or _is_certain(query.get("callbackURL"))


@schemathesis.hook
def filter_body(context: Any, body: Any) -> bool:
    """Whether the schema tells what becomes of this body."""
    return not isinstance(body, dict) or (_is_a_range(body.get("parameters")) and _is_certain(body.get("callbackURL")))


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Without columns that the type of the order may lack. Those that are never valid stay."""
    if isinstance(body, dict) and _may_be_columns(body.get("columns")):
        return {name: value for name, value in body.items() if name != "columns"}
    return body


def _may_be_columns(value: Any) -> bool:
    if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
        return False
    if any(len(heading) > LONGEST_HEADING for heading in value):
        return False
    return len(set(value)) == len(value)


def _is_certain(url: Any) -> bool:
    """The pattern has the URLs that are taken for certain. More are taken, and it cannot tell which."""
    return not isinstance(url, str) or not url.startswith("https://") or bool(re.search(PUBLIC_URL, url))


def _is_a_range(parameters: Any) -> bool:
    """A range of days ends after it begins: JSON Schema compares no two members."""
    if not isinstance(parameters, dict):
        return True
    first, last = parameters.get("dateFrom"), parameters.get("dateTo")
    return not (isinstance(first, str) and isinstance(last, str) and first > last)


#: Metadata that are valid: base64 of the name of a type.
METADATA: Final = f"uploadType {b64encode(b'products').decode()}"

schemathesis.openapi.media_type("application/offset+octet-stream", st.binary())


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Make a valid request one that the server takes: the schema cannot say what is in base64."""
    is_valid = case.meta is None or case.meta.generation.mode.value == "positive"
    if is_valid and case.method.upper() == "POST" and case.formatted_path == "/api/uploads/resumable":
        case.headers["Upload-Metadata"] = METADATA
        case.headers["Upload-Length"] = str(int(case.headers.get("Upload-Length") or 0) % 1000)
    if is_valid and case.headers:
        case.headers.pop("Upload-Checksum", None)


#: What a DELETE has answered with 204, as `DELETE /api/…`.
_gone: Final[set[str]] = set()


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Remember what is gone. An active report is only cancelled, and there until it is deleted: that is 202."""
    if case.method.upper() == "DELETE" and response.status_code == 204:
        _gone.add(f"DELETE {case.formatted_path}")


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Whether it is one: schemathesis takes each DELETE that is answered with 2xx for the end of its resource."""
    return getattr(failure, "free", None) in (None, *_gone)
