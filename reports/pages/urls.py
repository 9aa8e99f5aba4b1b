"""Paths of the pages of reports. The list of reports is the start page."""

from reports.pages.pages import ReportPages

urlpatterns = ReportPages().paths(list_path="")
