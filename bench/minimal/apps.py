"""The app of this project."""

from django.apps import AppConfig


class MinimalConfig(AppConfig):
    """Its label is not that of any app of the product."""

    name = "bench.minimal"
    label = "bench_minimal"
    default_auto_field = "django.db.models.BigAutoField"
