"""The call type; BENCH_REMOTE is `host:port` of the API."""

from __future__ import annotations

import os
from typing import Any

from calls.call import Call
from calls.types import CallType, Host, register

REMOTE = os.environ.get("BENCH_REMOTE", "127.0.0.1:1")
PATH = "/rates?base=EUR&date=2026-11-01"


@register
class OneRequest(CallType):
    """Without limits, as bare Celery has none."""

    identifier = "bench-one-request"
    title = "One request"
    hosts = {REMOTE: Host()}

    def run(self, call: Call, parameters: dict[str, Any], user: Any) -> Any:
        return call.get(f"http://{REMOTE}{PATH}").status
