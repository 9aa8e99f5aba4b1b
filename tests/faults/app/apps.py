"""Registers the kinds."""

from django.apps import AppConfig


class FaultsConfig(AppConfig):
    name = "tests.faults.app"
    label = "faults"

    def ready(self) -> None:
        from jobs.kinds import register_kind
        from tests.faults.app.kinds import KINDS

        for kind in KINDS:
            register_kind(kind)
