"""The WSGI entry point for gunicorn. Loading it limits how long this process's requests wait for PostgreSQL."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from config.loading import load_paths
from jobs.postgres.deadlines import bound_requests

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
load_paths()
bound_requests(settings.REQUEST_DATABASE_TIMEOUT_SECONDS)
