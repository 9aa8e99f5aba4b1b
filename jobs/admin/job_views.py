"""The pages and actions of one job, and the page of the failure groups."""

from __future__ import annotations

from typing import Any

import structlog
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from jobs.admin.bulk_runs import may_steer
from jobs.admin.charts import sparkline
from jobs.admin.dashboard import services_view
from jobs.admin.edit_page import edit_page
from jobs.admin.job_page import job_page
from jobs.admin.read_only import ReadOnlyAdmin
from jobs.api.download import artifact_response
from jobs.errors import AdmissionError, ArtifactError
from jobs.interventions.audit import audit
from jobs.interventions.failure_groups import failure_groups
from jobs.interventions.inquiries import submit_cost_inquiry
from jobs.kinds import inspector_of
from jobs.models import AuditEntry, Job
from jobs.states import UNFINISHED

logger = structlog.get_logger(__name__)


class JobPages(ReadOnlyAdmin):
    """Thin views over named functions. Each view checks its permission first."""

    def get_urls(self) -> list[URLPattern]:
        def job_path(route: str, view: Any, name: str) -> URLPattern:
            return path(f"<path:object_id>/{route}", self.admin_site.admin_view(view), name=f"jobs_job_{name}")

        return [
            path("services/", self.admin_site.admin_view(services_view), name="jobs_services"),
            path("groups/", self.admin_site.admin_view(self.groups_view), name="jobs_job_groups"),
            job_path("edit/", self.edit_view, "edit"),
            job_path("reveal/", self.reveal_view, "reveal"),
            job_path("cost/", self.cost_view, "cost"),
            job_path("download/<int:artifact_id>/", self.download_view, "download"),
            *super().get_urls(),
        ]

    def groups_view(self, request: HttpRequest) -> HttpResponse:
        """The page of the failure groups."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": "Failure groups",
            "groups": [(group, sparkline(group.trend)) for group in failure_groups()],
            "may": {act: may_steer(request, act) for act in ("requeue", "discard")},
        }
        return TemplateResponse(request, "admin/jobs/job/groups.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of one job."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        job = self._job(request, object_id)
        if job is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return self._page(request, job)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Redirect to the job's page, which shows the history."""
        job = self._job(request, object_id)
        if job is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]) + "#history")

    @method_decorator([require_POST, never_cache])
    def reveal_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the page once with the unmasked payload, and record who saw it."""
        job = self._job_if_permitted(request, object_id, "reveal_payload")
        audit(AuditEntry.Action.REVEAL, [("job", job.pk, {}, {})], actor=request.user.get_username(), reason="")
        logger.warning("payload_revealed", job_id=str(job.pk), actor=request.user.get_username())
        return self._page(request, job, revealed=True)

    @method_decorator(require_POST)
    def cost_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Submit an inquiry about the cost of the job. Its page shows the answer."""
        job = self._job_if_permitted(request, object_id, "requeue_job")
        if job.state not in UNFINISHED or not inspector_of(job.kind).knows_cost:
            raise Http404
        try:
            submit_cost_inquiry(job, actor=request.user)  # type: ignore[arg-type]  # not anonymous: the user has a permission
        except AdmissionError as error:
            messages.error(request, f"The inquiry could not be queued: {error}")
        return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]) + "#lh-cost")

    def edit_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Edit the payload and requeue."""
        job = self._job_if_permitted(request, object_id, "edit_payload")
        if job.state not in UNFINISHED:
            messages.error(request, f"It is {job.state}: only dead and failed jobs can be edited.")
            return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]))
        context = {**self.admin_site.each_context(request), "title": "Edit and requeue"}
        return edit_page(request, job, context)

    def download_view(self, request: HttpRequest, object_id: str, artifact_id: int) -> HttpResponseBase:
        """Download a file of the job, and record who did."""
        job = self._job_if_permitted(request, object_id, "download_artifact")
        artifact = job.artifacts.filter(pk=artifact_id, published_at__isnull=False, deleted_at=None).first()
        if artifact is None:
            raise Http404
        try:
            response = artifact_response(request, artifact)
        except ArtifactError as error:
            messages.error(request, f"The file cannot be downloaded: {error}.")
            return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]))
        after = {"role": artifact.role, "file": artifact.filename}
        audit(AuditEntry.Action.DOWNLOAD, [("job", job.pk, {}, after)], actor=request.user.get_username(), reason="")
        return response

    def _page(self, request: HttpRequest, job: Job, *, revealed: bool = False) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            **job_page(request, job, revealed=revealed),
            "title": f"{job.kind} {job.type}".strip(),
            "opts": self.opts,
            "original": job,
        }
        return TemplateResponse(request, "admin/jobs/job/page.html", context)

    def _job(self, request: HttpRequest, object_id: str) -> Job | None:
        """The job with all its fields; None if there is no such job. Raises PermissionDenied."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            return Job.objects.select_related("owner").filter(pk=unquote(object_id)).first()
        except ValidationError:  # not a UUID
            return None

    def _job_if_permitted(self, request: HttpRequest, object_id: str, permission: str) -> Job:
        """The job, for an action that needs its own permission. Raises PermissionDenied or Http404."""
        job = self._job(request, object_id)
        if not is_permitted(request, permission):
            raise PermissionDenied
        if job is None:
            raise Http404
        return job


def is_permitted(request: HttpRequest, permission: str) -> bool:
    """Whether the user has a permission of this app."""
    return bool(request.user.has_perm(f"jobs.{permission}"))
