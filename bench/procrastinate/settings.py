"""As its documentation says: its app before ours, and sessions that stay open between tasks."""

import environ

from bench.schemas import in_schema

SECRET_KEY = environ.Env().str("SECRET_KEY")
SCHEMA = "bench_procrastinate"
INSTALLED_APPS = ["procrastinate.contrib.django"]
PROCRASTINATE_IMPORT_PATHS = ["bench.procrastinate.tasks"]
DATABASES = {"default": in_schema(environ.Env().db_url("DATABASE_URL"), SCHEMA)}
USE_TZ = True
