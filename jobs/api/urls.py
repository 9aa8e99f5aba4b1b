"""Paths that belong to no kind."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation

from jobs.api.health import livez, readyz
from jobs.api.metrics import metrics
from jobs.api.operations import OperationView

# Our template leaves out the inline style of drf-spectacular's own, which the CSP forbids.
docs = SpectacularSwaggerSplitView.as_view(url_name="schema", template_name="api_docs.html")

urlpatterns = [
    path("livez", livez, name="livez"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("api/operations/<str:job_id>", OperationView.as_view(), name="operation"),
    path("api/schema", SpectacularAPIView.as_view(content_negotiation_class=DefaultContentNegotiation), name="schema"),
    path("api/docs", docs, name="docs"),
]
