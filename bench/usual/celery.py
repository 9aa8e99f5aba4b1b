"""The Celery app, as in Celery's guide for Django: its fixup closes the connections around every task."""

from celery import Celery

app = Celery("usual")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
