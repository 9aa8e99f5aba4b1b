"""`make demo ARGS=call`: one call of a slow remote API, from order to result, through the real HTTP API."""

import json
from typing import Any, Final

from config.stack.datafolder import LaunchError
from config.stack.demo_client import Client
from config.stack.stopping import say

CALL_TYPE: Final = "exchange-rates"
PARAMETERS: Final = {"base": "EUR", "year": "2023"}


def fetch_call(client: Client, *, deadline: float) -> str:
    """Order a call, poll until it ends, and return its result as indented JSON. Raises LaunchError."""
    say(f"POST /api/calls {CALL_TYPE} {PARAMETERS['base']} {PARAMETERS['year']}")
    order = client.order("/api/calls", {"callType": CALL_TYPE, "parameters": PARAMETERS})
    location = order.headers["location"]
    say(f"202 Accepted, Location: {location}")
    status = order.body
    for status in client.poll(location, deadline=deadline):
        say(steps_line(status))
    if status.get("status") != "Complete":
        raise LaunchError(f"the call ended as {status.get('status')!r}: {status.get('error')}")
    path = f"{location.removesuffix('/status')}/result"
    say(f"GET {path}")
    return json.dumps(client.call(path).body, indent=2)


def steps_line(status: dict[str, Any]) -> str:
    """`In Progress, 4 of 12 steps`."""
    done, total = status.get("stepsDone"), status.get("stepsTotal")
    steps = "" if done is None else f", {done} steps" if total is None else f", {done} of {total} steps"
    return f"  {status.get('status')}{steps}"
