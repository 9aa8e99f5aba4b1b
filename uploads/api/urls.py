"""Paths of the upload API."""

from django.urls import path

from jobs.api.resources.urls import paths
from uploads.api.file_views import UploadErrorsView, UploadResultsView
from uploads.api.resource import UPLOADS
from uploads.api.template_view import TemplateView
from uploads.api.undo_view import UploadUndoView
from uploads.api.upload_views import UploadListView

urlpatterns = [
    path("api/uploads/<str:job_id>/errors", UploadErrorsView.as_view(), name="upload-errors"),
    path("api/uploads/<str:job_id>/results", UploadResultsView.as_view(), name="upload-results"),
    path("api/uploads/<str:job_id>/undo", UploadUndoView.as_view(), name="upload-undo"),
    path("api/upload-types/<str:identifier>/template.csv", TemplateView.as_view(), name="upload-template"),
    *paths(UPLOADS, UploadListView),
]
