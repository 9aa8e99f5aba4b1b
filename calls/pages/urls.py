"""Paths of the pages of calls."""

from calls.pages.pages import CallPages

urlpatterns = CallPages().paths()
