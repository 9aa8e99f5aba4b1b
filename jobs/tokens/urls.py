"""Paths of the token API."""

from django.urls import path

from jobs.tokens import views

urlpatterns = [
    path("api/tokens", views.TokenListView.as_view(), name="api-token-list"),
    path("api/tokens/<str:token_id>", views.TokenView.as_view(), name="api-token"),
]
