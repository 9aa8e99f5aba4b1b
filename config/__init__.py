"""The project: settings, the Celery app, URLs, and a launcher for one machine."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
