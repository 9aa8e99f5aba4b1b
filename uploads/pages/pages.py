"""The pages of uploads."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from jobs.pages.job_pages import JobPages
from jobs.pages.posting import View, post_only_from
from uploads.api.resource import UPLOADS
from uploads.pages.match_pages import MatchPages
from uploads.pages.mend_pages import MendPages
from uploads.pages.new_pages import NewUploadPages
from uploads.pages.recognize_pages import RecognizePages
from uploads.pages.words import WORDS


class UploadPages(NewUploadPages, RecognizePages, MatchPages, MendPages, JobPages):
    """Everything below `/uploads`."""

    resource = UPLOADS
    words = WORDS
    can_order_again = False

    def paths(self, **options: Any) -> list[URLPattern]:
        """Adds what only uploads have."""
        of_upload = post_only_from(self.names["detail"], "job_id")
        recognize = post_only_from(self.names["order"])(self.recognize)
        return [
            path("uploads/recognize", recognize, name="upload-recognize"),  # before the paths with an id
            *super().paths(**options),
            path("uploads/<str:job_id>/confirm", of_upload(self.confirm), name="upload-page-confirm"),
            path("uploads/<str:job_id>/again", of_upload(self.again), name="upload-page-again"),
            path("uploads/<str:job_id>/undo", _form(self.undo), name="upload-page-undo"),
            path("uploads/<str:job_id>/mend", _form(self.mend), name="upload-page-mend"),
            path("uploads/<str:job_id>/columns", _form(self.match), name="upload-page-match"),
        ]


def _form(view: View) -> View:
    return require_http_methods(["GET", "HEAD", "POST"])(login_required(never_cache(view)))
