"""Paths of the API of calls."""

from django.urls import path

from calls.api.resource import CALLS
from calls.api.result_view import CallResultView
from calls.api.steps_view import CallStepsView
from jobs.api.resources.urls import paths

urlpatterns = [
    path("api/calls/<str:job_id>/steps", CallStepsView.as_view(), name="call-steps"),
    *paths(CALLS, CallResultView),
]
