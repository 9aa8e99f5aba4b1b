"""Registers the kinds."""

from django.apps import AppConfig


class FaultsConfig(AppConfig):
    name = "tests.support.apps.faults"
    label = "faults"

    def ready(self) -> None:
        from jobs.kinds import register_kind
        from tests.support.apps.faults.kinds import KINDS

        for kind in KINDS:
            register_kind(kind)
