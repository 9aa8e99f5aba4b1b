"""`/metrics` in Prometheus' text format, for requests with METRICS_TOKEN and for staff who may see jobs."""

from __future__ import annotations

import os

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from jobs.http.problems import problem_response
from jobs.monitoring.metrics import JobCollector


@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Figures from the tables of jobs, and the counters of this web server's processes."""
    if request.method not in ("GET", "HEAD"):
        response = problem_response(request, 405, "method-not-allowed", "Metrics can only be read.")
        response["Allow"] = "GET, HEAD"
        return response
    if not may_read_operations(request):
        return refuse_operations(request)
    jobs = CollectorRegistry()
    jobs.register(JobCollector())
    # The jobs come first: collecting them creates the counters of refusals, which then exist before any refusal.
    body = generate_latest(jobs) + generate_latest(_counted_here())
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)


def may_read_operations(request: HttpRequest) -> bool:
    """Whether this request has METRICS_TOKEN, or comes from staff who may see jobs."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return bool(settings.METRICS_TOKEN) and constant_time_compare(token, settings.METRICS_TOKEN)
    return request.user.is_staff and request.user.has_perm("jobs.view_job")


def refuse_operations(request: HttpRequest) -> HttpResponse:
    """401 for everybody else."""
    response = problem_response(request, 401, "not-authenticated", "Send METRICS_TOKEN, or sign in as staff.")
    response["WWW-Authenticate"] = 'Bearer realm="metrics"'
    return response


def _counted_here() -> CollectorRegistry:
    """Counters of all processes of this web server if `config.gunicorn` gave them a folder, else of this process."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return registry
