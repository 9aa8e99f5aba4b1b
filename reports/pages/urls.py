"""Paths of the pages of reports. My reports are the start page."""

from reports.pages.pages import ReportPages

urlpatterns = ReportPages().paths(list_path="")
