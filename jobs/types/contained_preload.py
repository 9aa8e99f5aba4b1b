"""Loaded by the fork server of `jobs.types.contained`: Django with all apps."""

import gc
import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connections  # noqa: E402  (needs the settings)

_inherited: list[Any] = []
gc.freeze()  # otherwise the collector would write to memory pages that are shared with the forked processes


def forget_connections() -> None:
    """Stop using connections inherited from the parent process, without closing them: they belong to the parent."""
    for connection in connections.all(initialized_only=True):
        _inherited.append(connection)  # garbage collection would close it
        del connections[connection.alias]
