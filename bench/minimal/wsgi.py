"""The WSGI entry point for gunicorn."""

from django.core.wsgi import get_wsgi_application

from bench.minimal.celery import app

__all__ = ["app", "application"]

application = get_wsgi_application()
