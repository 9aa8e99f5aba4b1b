"""Paths of the pages of reports."""

from reports.pages.pages import ReportPages

urlpatterns = ReportPages().paths()
