"""Paths of the report API."""

from django.urls import path

from reports.api import orders, report_types, views

urlpatterns = [
    path("api/reports", orders.ReportListView.as_view(), name="api-report-list"),
    path("api/reports/preview", orders.ReportPreviewView.as_view(), name="api-report-preview"),
    path("api/reports/<str:job_id>", views.ReportView.as_view(), name="api-report"),
    path("api/reports/<str:job_id>/status", views.ReportStatusView.as_view(), name="report-status"),
    path("api/reports/<str:job_id>/retry", views.ReportRetryView.as_view(), name="report-retry"),
    path("api/reports/<str:job_id>/download", views.ReportDownloadView.as_view(), name="report-download"),
    path("api/report-types", report_types.ReportTypeListView.as_view(), name="api-report-type-list"),
    path("api/report-types/<str:identifier>", report_types.ReportTypeView.as_view(), name="api-report-type"),
]
