"""Paths of the tokens: API and page."""

from django.urls import path

from jobs.pages import tokens as pages
from jobs.tokens import views

urlpatterns = [
    path("api/tokens", views.TokenListView.as_view(), name="api-token-list"),
    path("api/tokens/<str:token_id>", views.TokenView.as_view(), name="api-token"),
    path("tokens", pages.token_list, name="token-list"),
    path("tokens/<str:token_id>/revoke", pages.token_revoke, name="token-revoke"),
]
