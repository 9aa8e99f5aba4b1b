"""The call types; BENCH_REMOTE and BENCH_LIMITED_REMOTE are `host:port` of their APIs."""

from __future__ import annotations

import os
from typing import Any, Final

from calls.call import Call
from calls.types import CallType, Host, register

REMOTE = os.environ.get("BENCH_REMOTE", "127.0.0.1:1")
#: A port of its own, as limits belong to a host with its port.
LIMITED_REMOTE = os.environ.get("BENCH_LIMITED_REMOTE", "127.0.0.1:2")
PER_SECOND: Final = 50
PATH = "/rates?base=EUR&date=2026-11-01"


@register
class OneRequest(CallType):
    """Without limits, as bare Celery has none."""

    identifier = "bench-one-request"
    title = "One request"
    hosts = {REMOTE: Host()}

    def run(self, call: Call, parameters: dict[str, Any], user: Any) -> Any:
        return call.get(f"http://{REMOTE}{PATH}").status


@register
class OneLimitedRequest(CallType):
    """The same to a host that takes no more than so many requests per second."""

    identifier = "bench-one-limited-request"
    title = "One request to a host with a limit"
    hosts = {LIMITED_REMOTE: Host(per_second=PER_SECOND)}

    def run(self, call: Call, parameters: dict[str, Any], user: Any) -> Any:
        return call.get(f"http://{LIMITED_REMOTE}{PATH}").status
