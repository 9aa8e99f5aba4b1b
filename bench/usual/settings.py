"""As `startproject` would have them, with the servers of the benchmark. CONN_MAX_AGE is Django's default, 0."""

import os

import environ

SECRET_KEY = os.environ["SECRET_KEY"]
INSTALLED_APPS = ["bench.usual"]
DATABASES = {"default": environ.Env().db_url("DATABASE_URL")}
USE_TZ = True

CELERY_BROKER_URL = os.environ["REDIS_URL"]
CELERY_TASK_DEFAULT_QUEUE = "bench-usual"
CELERY_TASK_IGNORE_RESULT = True
