"""The app of this project."""

from django.apps import AppConfig


class UsualConfig(AppConfig):
    """Its label is not that of any app of the product."""

    name = "bench.usual"
    label = "bench_usual"
    default_auto_field = "django.db.models.BigAutoField"
