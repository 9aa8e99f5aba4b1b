"""The Celery app, as in Celery's guide for Django."""

from celery import Celery

app = Celery("minimal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()  # for every thread of the web server
app.autodiscover_tasks()
