"""The pages of jobs beside their list: one job, what can be done on it, and failure groups."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import structlog
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
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
from jobs.models import Artifact, AuditEntry, Job
from jobs.states import UNFINISHED

logger = structlog.get_logger(__name__)


class JobPages(ReadOnlyAdmin):
    """Thin views over named functions; each asks for its permission first."""

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """As Django does; what is selected must be ids."""
        try:
            [UUID(text) for text in request.POST.getlist("_selected_action")]
        except ValueError:
            messages.error(request, "What is selected is no job.")
            return HttpResponseRedirect(request.get_full_path())
        return super().response_action(request, queryset)

    def get_urls(self) -> list[URLPattern]:
        """Also what can be done on a job's page."""

        def own(route: str, view: Any, name: str) -> URLPattern:
            return path(f"<path:object_id>/{route}", self.admin_site.admin_view(view), name=f"jobs_job_{name}")

        return [
            path("services/", self.admin_site.admin_view(services_view), name="jobs_services"),
            path("groups/", self.admin_site.admin_view(self.groups_view), name="jobs_job_groups"),
            own("edit/", self.edit_view, "edit"),
            own("reveal/", self.reveal_view, "reveal"),
            own("cost/", self.cost_view, "cost"),
            own("download/<int:artifact_id>/", self.download_view, "download"),
            *super().get_urls(),
        ]

    def groups_view(self, request: HttpRequest) -> HttpResponse:
        """Failure groups."""
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
        """Everything about one job."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        job = self._job(request, object_id)
        if job is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return self._page(request, job)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The job's page tells it."""
        job = self._job(request, object_id)
        if job is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]) + "#history")

    def reveal_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The page with the payload as it is, once. Who looked is kept."""
        return require_POST(never_cache(self._reveal))(request, object_id)

    def _reveal(self, request: HttpRequest, object_id: str) -> HttpResponse:
        job = self._job_for(request, object_id, "reveal_payload")
        audit(AuditEntry.Action.REVEAL, [("job", job.pk, {}, {})], actor=request.user.get_username(), reason="")
        logger.warning("payload_revealed", job_id=str(job.pk), actor=request.user.get_username())
        return self._page(request, job, revealed=True)

    def cost_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have a worker ask what the job would cost. Its page shows the answer."""
        return require_POST(self._submit_cost_inquiry)(request, object_id)

    def _submit_cost_inquiry(self, request: HttpRequest, object_id: str) -> HttpResponse:
        job = self._job_for(request, object_id, "requeue_job")
        if job.state not in UNFINISHED or not inspector_of(job.kind).knows_cost:
            raise Http404
        try:
            submit_cost_inquiry(job, actor=request.user)  # type: ignore[arg-type]  # not anonymous: it has a permission
        except AdmissionError as error:
            messages.error(request, f"The question could not be queued: {error}")
        return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]) + "#lh-cost")

    def edit_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Edit the payload and requeue."""
        job = self._job_for(request, object_id, "edit_payload")
        if job.state not in UNFINISHED:
            messages.error(request, f"It is {job.state}: only dead and failed jobs can be edited.")
            return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]))
        context = {**self.admin_site.each_context(request), "title": "Edit and requeue"}
        return edit_page(request, job, context)

    def download_view(self, request: HttpRequest, object_id: str, artifact_id: int) -> HttpResponseBase:
        """A file of the job. Who took it is kept, also in the timeline."""
        job = self._job_for(request, object_id, "download_artifact")
        artifact = job.artifacts.filter(pk=artifact_id, published_at__isnull=False, deleted_at=None).first()
        if artifact is None:
            raise Http404
        return self._download(request, job, artifact)

    def _download(self, request: HttpRequest, job: Job, artifact: Artifact) -> HttpResponseBase:
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
        """The job, whole. None when there is none. Raises PermissionDenied."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            return Job.objects.select_related("owner").filter(pk=unquote(object_id)).first()
        except ValidationError:  # no UUID
            return None

    def _job_for(self, request: HttpRequest, object_id: str, permission: str) -> Job:
        """The job for an act that needs a permission of its own. Raises PermissionDenied or Http404."""
        job = self._job(request, object_id)
        if not may(request, permission):
            raise PermissionDenied
        if job is None:
            raise Http404
        return job


def may(request: HttpRequest, permission: str) -> bool:
    """Whether whoever asks has a permission of this app."""
    return bool(request.user.has_perm(f"jobs.{permission}"))
