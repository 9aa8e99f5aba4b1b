"""As its README says."""

import environ

from bench.schemas import in_schema

SECRET_KEY = environ.Env().str("SECRET_KEY")
SCHEMA = "bench_django_tasks"
INSTALLED_APPS = ["django_tasks", "django_tasks_db"]
DATABASES = {"default": in_schema(environ.Env().db_url("DATABASE_URL"), SCHEMA)}
USE_TZ = True
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
