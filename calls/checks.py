"""System check of the hosts that call types declare."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from django.core import checks

from calls.types import CALL_TYPES, CallType, Host

#: `api.example.com`, `api.example.com:8443`, `127.0.0.1:9000`, `[::1]:9000`; in lower case.
HOST: Final = re.compile(r"(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::[1-9][0-9]{0,4})?")


@checks.register(checks.Tags.compatibility)
def check_hosts(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """A wrong declaration would otherwise only be seen when a call runs."""
    mistakes: list[checks.CheckMessage] = [
        checks.Error(mistake, hint="See `hosts` in docs/extending.md.", obj=type(known), id="calls.E001")
        for known in CALL_TYPES.all()
        for mistake in _mistakes(known)
    ]
    return mistakes or list(_differences())


def _differences() -> Iterator[checks.CheckMessage]:
    by_host: dict[str, list[CallType]] = defaultdict(list)
    for known in CALL_TYPES.all():
        for host in known.hosts:
            by_host[host].append(known)
    for host, types in by_host.items():
        if len({known.hosts[host] for known in types}) > 1:
            names = " and ".join(type(known).__name__ for known in types)
            yield checks.Warning(
                f"{names} declare different limits for {host}: the stricter ones count.",
                hint="Declare it once, and use that in all of them.",
                id="calls.W001",
            )


def _mistakes(call_type: CallType) -> Iterator[str]:
    hosts: Mapping[str, Any] = call_type.hosts
    for name, host in hosts.items():
        if not HOST.fullmatch(name):
            yield f"hosts has {name!r}, but a host is written as `api.example.com` or `api.example.com:8443`."
        elif not isinstance(host, Host):
            yield f"hosts[{name!r}] must be a calls.types.Host."
        elif (host.in_flight is not None and host.in_flight < 1) or (
            host.per_second is not None and host.per_second <= 0
        ):
            yield f"hosts[{name!r}]: limits must be greater than 0, or None for no limit."
