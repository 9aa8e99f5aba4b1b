"""Paths of the report API."""

from django.urls import path

from jobs.api.resources.urls import paths
from reports.api.previews import ReportPreviewView
from reports.api.resource import REPORTS

urlpatterns = [path("api/reports/preview", ReportPreviewView.as_view(), name="api-report-preview"), *paths(REPORTS)]
