"""The base class of the views of all resources."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from django.db import transaction
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.decorators import method_decorator
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api import polling
from jobs.api.awaiting import wait_for_end
from jobs.api.lookup import get_job_beside, job_beside
from jobs.api.polling import Question
from jobs.api.resources import schema  # noqa: F401  (registers itself)
from jobs.api.resources.resource import JobResource
from jobs.http.problems import ProblemError
from jobs.http.schema import problem
from jobs.http.views import ApiView
from jobs.kinds import get_kind
from jobs.models import Job
from jobs.postgres.commit import ask_after_commit
from jobs.status import has_ended

ADMISSION_PROBLEMS = {
    429: problem("`owner-queue-full`: too many of your jobs are queued."),
    503: problem("`queue-full`: the queue is full or closed."),
}


def accepted_responses(resource: JobResource) -> dict[int, Any]:
    """The documented responses of `ResourceView.accepted`."""
    waited = "The job has ended while the request waited (`Prefer: wait`): `Complete`, `Failed` or `Canceled`."
    return {200: OpenApiResponse(resource.Ended, waited), 202: resource.Status}


#: Method → arguments of drf-spectacular's `extend_schema`.
Operations = Mapping[str, Mapping[str, Any]]


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class ResourceView(ApiView):
    """A view that a subclass binds to a kind with `resource`. In docstrings of methods, `{noun}` is that kind.

    It never runs in a transaction (ATOMIC_REQUESTS): a job that is not committed does not end while its order waits.
    """

    resource: ClassVar[JobResource]
    #: Method → the scope of the kind that it needs: `read` or `write`.
    acts: ClassVar[Mapping[str, str]] = {"GET": "read"}

    def __init_subclass__(cls, **options: Any) -> None:
        """Set the scopes, and document the operations whose methods are inherited."""
        super().__init_subclass__(**options)
        if "resource" not in vars(cls):
            return
        if "scopes" not in vars(cls):
            cls.scopes = {method: getattr(get_kind(cls.resource.kind).scopes, act) for method, act in cls.acts.items()}
        described = cls.operations(cls.resource)
        inherited = {method: extend_schema(**described[method]) for method in described.keys() - vars(cls).keys()}
        extend_schema_view(**inherited)(cls)
        for method in inherited:
            getattr(cls, method).__doc__ = getattr(cls, method).__doc__.format(**cls.resource.words)

    @classmethod
    def operations(cls, resource: JobResource) -> Operations:
        """The documentation of each inherited method for the OpenAPI schema."""
        return {}

    #: What clients poll with GET; None: they do not.
    question: ClassVar[Question | None] = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """A request that only reads one job reads it with its token."""
        if "job_id" in kwargs and request.method in ("GET", "HEAD"):
            self.beside = job_beside(kwargs["job_id"], kind=self.resource.kind, question=self.question)
        super().initial(request, *args, **kwargs)

    def get_job(self, request: Request, job_id: str) -> Job:
        """A job of this kind that belongs to the user. Raises Http404."""
        return get_job_beside(self, request, job_id, kind=self.resource.kind)

    def accepted(self, request: Request, job: Job, *, is_new: bool = False) -> Response:
        """202 with the status of an order and its address; 200 if the request waits, and the job ends meanwhile.

        `job` must be committed. `Retry-After` replaces any that was sent for an old job.
        """
        if not is_new:
            polling.forget_polls_of(job, request)
        waited = wait_for_end(request, job)
        if waited:
            self.applied.append(waited.applied)
        now = waited.job if waited else job
        ended = self._ended(now) if waited and has_ended(now) else None
        response = ended or self._pending(job if has_ended(now) else now)
        response["Location"] = reverse(f"{job.kind}-status", args=[job.pk])
        response["Operation-Location"] = request.build_absolute_uri(reverse("operation", args=[job.pk]))
        patch_vary_headers(response, ["Prefer"])
        return response

    def _pending(self, job: Job) -> Response:
        return polling.accepted(job, partial(self.resource.status_body, job))

    def _ended(self, job: Job) -> Response | None:
        """None if the body cannot be built because PostgreSQL is away."""
        answer = ask_after_commit(partial(self.resource.answer_when_ended, job), otherwise=lambda: None)
        if answer is None:
            return None
        url, body = answer
        response = polling.ended(job, body)
        response["Content-Location"] = url
        return response

    def unknown_type(self, request: Request, error: Exception) -> ProblemError:
        """400, with the types that the user may order."""
        kind = self.resource.kind
        known: list[str] = [one.identifier for one in self.resource.types.orderable_by(request.user)]
        status, code = self.resource.unknown_type
        return ProblemError(
            status,
            code,
            f"There is no {kind} type {error.args[0]}. Valid types are: {', '.join(known)}.",
            errors=[{"pointer": f"#/{kind}Type", "detail": f"There is no such {kind} type."}],
            **{f"{kind}Types": known},  # type: ignore[arg-type]  # ProblemError has no parameter of this name
        )
