"""What the schema cannot say."""

from typing import Any

import schemathesis


@schemathesis.hook
def filter_body(context: Any, body: Any) -> bool:
    """A range of days ends after it begins: JSON Schema compares no two members."""
    parameters = body.get("parameters") if isinstance(body, dict) else None
    if not isinstance(parameters, dict):
        return True
    first, last = parameters.get("dateFrom"), parameters.get("dateTo")
    return not (isinstance(first, str) and isinstance(last, str) and first > last)
