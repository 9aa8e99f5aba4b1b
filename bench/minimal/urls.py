"""The paths."""

from django.urls import path

from bench.minimal.views import OrderView, StatusView

urlpatterns = [path("reports", OrderView.as_view()), path("reports/<int:pk>", StatusView.as_view())]
