"""Paths that belong to no kind."""

from django.urls import path
from drf_spectacular.views import SpectacularSwaggerSplitView

from jobs.api import callbacks
from jobs.api.catalogue import catalogue
from jobs.api.health import healthz
from jobs.api.metrics import metrics
from jobs.api.operations import OperationView
from jobs.http.schema_view import SchemaView

# Our template omits the inline style of drf-spectacular's template, which the CSP forbids.
docs = SpectacularSwaggerSplitView.as_view(url_name="schema", template_name="api_docs.html")

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("api/operations/<str:job_id>", OperationView.as_view(), name="operation"),
    path("api/callbacks", callbacks.CallbackListView.as_view(), name="callback-list"),
    path("api/callbacks/settings", callbacks.CallbackSettingsView.as_view(), name="callback-settings"),
    path("api/callbacks/secrets", callbacks.CallbackSecretListView.as_view(), name="callback-secret-list"),
    path("api/callbacks/test", callbacks.CallbackTestView.as_view(), name="callback-test"),
    path("api/callbacks/endpoints", callbacks.CallbackEndpointListView.as_view(), name="callback-endpoint-list"),
    path(
        "api/callbacks/endpoints/<str:endpoint_id>/enable",
        callbacks.CallbackEndpointEnableView.as_view(),
        name="callback-endpoint-enable",
    ),
    path("api/callbacks/<str:job_id>", callbacks.CallbackView.as_view(), name="callback"),
    path("api/callbacks/<str:job_id>/replay", callbacks.CallbackReplayView.as_view(), name="callback-replay"),
    path("api/schema", SchemaView.as_view(), name="schema"),
    path("api/docs", docs, name="docs"),
    path("api/errors", catalogue, name="error-codes"),
]
