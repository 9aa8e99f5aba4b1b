"""The WSGI entry point for gunicorn. Loading it limits how long this process's requests wait for PostgreSQL."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from jobs.postgres.deadlines import bound_requests

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
bound_requests(settings.REQUEST_DATABASE_TIMEOUT_SECONDS)
