"""The project: settings, the Celery app, URLs, and how to run it all on one machine."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
