"""The app."""

from django.apps import AppConfig


class ArticlesConfig(AppConfig):
    """Installed by `bench.environment` only."""

    name = "bench.articles"
    label = "bench_articles"
