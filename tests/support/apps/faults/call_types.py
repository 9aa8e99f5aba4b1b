"""A call whose worker a test kills between two of its steps, or within one."""

import time
from pathlib import Path
from typing import Any

from rest_framework import serializers

from calls.call import Call
from calls.types import CallType, Host, register
from tests.support.apps.faults.kinds import POLL_SECONDS


class AnyOnLoopback(dict[str, Host]):
    """Trusts each port of this machine: the remote of a test takes a free one."""

    def __contains__(self, host: object) -> bool:
        return str(host).startswith("127.0.0.1:")

    def __missing__(self, host: str) -> Host:
        return Host()


@register
class TenSteps(CallType):
    """Order ten things of a remote, one after the other; hold after one of them until the file `gate` exists."""

    identifier = "ten-steps"
    title = "Ten steps"
    hosts = AnyOnLoopback()
    timeout_seconds = 20

    class Parameters(serializers.Serializer[Any]):
        remote = serializers.CharField()
        hold_after = serializers.IntegerField()
        gate = serializers.CharField()

    def run(self, call: Call, parameters: dict[str, Any], user: Any) -> Any:
        orders = []
        for number in range(1, 11):
            answer = call.post(f"{parameters['remote']}/orders", json={"number": number}, name=f"order {number}")
            orders.append(answer.json()["number"])
            if number == parameters["hold_after"]:
                while not Path(parameters["gate"]).exists():
                    call.shared.context.check()
                    time.sleep(POLL_SECONDS)
        return orders
