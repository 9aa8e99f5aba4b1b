"""Registers the kind."""

from django.apps import AppConfig


class NothingConfig(AppConfig):
    """Installed by `bench.environment` only."""

    name = "bench.nothing"
    label = "bench_nothing"

    def ready(self) -> None:
        from bench.nothing.kinds import NOTHING
        from jobs.kinds import register_kind

        register_kind(NOTHING)
