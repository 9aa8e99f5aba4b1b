"""Paths of the pages. Those named `…-live` answer with a part of a page, for htmx."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from reports.pages import views

sign_in = LoginView.as_view(template_name="registration/sign_in.html", redirect_authenticated_user=True)

urlpatterns = [
    path("sign-in", sign_in, name="sign-in"),
    path("sign-out", LogoutView.as_view(), name="sign-out"),
    path("favicon.ico", views.icon, name="icon"),
    path("", views.report_list, name="report-list"),
    path("reports/live", views.report_list_live, name="report-list-live"),
    path("reports/new", views.report_order, name="report-order"),
    path("reports/<str:job_id>", views.report_detail, name="report-detail"),
    path("reports/<str:job_id>/cancel", views.report_cancel, name="report-page-cancel"),
    path("reports/<str:job_id>/delete", views.report_delete, name="report-page-delete"),
    path("reports/<str:job_id>/retry", views.report_retry, name="report-page-retry"),
    path("reports/<str:job_id>/live", views.report_detail_live, name="report-detail-live"),
]
