"""Paths of resumable uploads."""

from django.urls import path

from uploads.resumable.views import ResumableListView, ResumableView

urlpatterns = [
    path("api/uploads/resumable", ResumableListView.as_view(), name="resumable-uploads"),
    path("api/uploads/resumable/<str:upload_id>", ResumableView.as_view(), name="resumable-upload"),
]
