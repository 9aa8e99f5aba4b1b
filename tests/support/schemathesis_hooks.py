"""What the schema cannot say."""

import os
import re
from collections import Counter
from typing import Any, Final

import schemathesis

#: That of `jobs.types.callback_fields`, which only a Django process can import.
PUBLIC_URL: Final = r"^https://[a-z]{2,20}(\.[a-z]{2,20}){1,3}(/[A-Za-z0-9_-]{0,40}){0,3}(\?[a-z0-9=&]{1,40})?$"

#: gunicorn answers longer request lines itself, with 414. Characters, each of which may take three in the URL.
LONGEST_PATH: Final = 2_500

#: The coverage phase makes every case that the schema defines, and has no bound of its own: one in so many is sent.
ONE_IN: Final = int(os.environ.get("FUZZ_COVERAGE_ONE_IN", "1"))
_made: Final[Counter[str]] = Counter()


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """Whether to send it. Cases of one sort follow each other, so each sort that is big enough keeps some."""
    if len(case.formatted_path) > LONGEST_PATH:
        return False
    if case.meta is None or case.meta.phase.name.value != "coverage":
        return True
    name = f"{case.operation.label} {case.meta.generation.mode.value}"
    _made[name] += 1
    return _made[name] % ONE_IN == 1 % ONE_IN


@schemathesis.hook
def filter_body(context: Any, body: Any) -> bool:
    """Whether the schema tells what becomes of this body."""
    return not isinstance(body, dict) or (_is_a_range(body.get("parameters")) and _is_certain(body.get("callbackURL")))


def _is_certain(url: Any) -> bool:
    """The pattern has the URLs that are taken for certain. More are taken, and it cannot tell which."""
    return not isinstance(url, str) or not url.startswith("https://") or bool(re.search(PUBLIC_URL, url))


def _is_a_range(parameters: Any) -> bool:
    """A range of days ends after it begins: JSON Schema compares no two members."""
    if not isinstance(parameters, dict):
        return True
    first, last = parameters.get("dateFrom"), parameters.get("dateTo")
    return not (isinstance(first, str) and isinstance(last, str) and first > last)


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
