"""What the server loads from which the processes of `jobs.types.contained` are forked: Django, with all apps."""

import gc
import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connections  # noqa: E402  (the settings first)

_inherited: list[Any] = []
gc.freeze()  # the collector would write to pages that are shared with the processes to come


def forget_connections() -> None:
    """Leave the connections of the process that this one was forked from alone, if it had any: they are not ours."""
    for connection in connections.all(initialized_only=True):
        _inherited.append(connection)  # to be collected would close it
        del connections[connection.alias]
