"""Paths of the pages of uploads."""

from uploads.pages.pages import UploadPages

urlpatterns = UploadPages().paths()
