"""Paths of the pages that belong to no kind."""

from django.urls import path

from jobs.pages import tokens

urlpatterns = [
    path("tokens", tokens.token_list, name="token-list"),
    path("tokens/<str:token_id>/revoke", tokens.token_revoke, name="token-revoke"),
]
