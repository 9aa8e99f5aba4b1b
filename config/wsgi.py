"""The WSGI entry point for gunicorn.

A process that loads it answers requests, which wait for PostgreSQL no longer than a bound.
"""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from jobs.postgres.deadlines import bound_requests

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
bound_requests(settings.REQUEST_DATABASE_TIMEOUT_SECONDS)
