"""The HTTP resource of a kind, for the views of this package: a kind subclasses `JobResource`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django.urls import reverse
from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers

from jobs.api.resources.bodies import Detail, JobStatus, Ordered, TypeBody, page_of, types_of
from jobs.api.status import failure_members, postponement_members, progress_members, queue_members, result_members
from jobs.api.timeline import timeline
from jobs.errors import SecretUnreadableError
from jobs.estimates.estimate import Estimate
from jobs.interventions.retrying import NotRetryableError, retry_dead_job
from jobs.kinds import get_kind
from jobs.models import Job
from jobs.states import State
from jobs.status import has_ended, status_word
from jobs.types.base import JobType
from jobs.types.json_schema import serializer_schema
from jobs.types.ordering import Ordering
from jobs.types.registry import TypeRegistry, UnknownTypeError

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class JobResource:
    """One kind's jobs and types over HTTP. Paths, scopes, operations and bodies follow from the name of the kind."""

    ordering: ClassVar[Ordering[Any]]
    #: Members that the detail and the list show beside the status. `ordered` builds them.
    Ordered: ClassVar[type[serializers.Serializer[Any]]] = Ordered
    #: Members of the status, and of a type. A kind that adds some overrides `status_body` or `type_body`, too.
    StatusBase: ClassVar[type[JobStatus]] = JobStatus
    TypeBase: ClassVar[type[TypeBody]] = TypeBody
    #: Whether a job has a result to download, and the last part of its path and of the path's name.
    has_download: ClassVar[bool] = True
    download: ClassVar[str] = "download"
    #: Status and code if the type of an order is unknown, and if the file of a failed job is requested.
    unknown_type: ClassVar[tuple[int, str]]
    failed: ClassVar[tuple[int, str]]
    #: Media types of the file.
    content_types: ClassVar[Collection[str]] = ("text/csv",)
    order_examples: ClassVar[Sequence[OpenApiExample]] = ()
    status_examples: ClassVar[Sequence[OpenApiExample]] = ()

    #: Documents the body of `answer_when_ended`; by default the status.
    Ended: ClassVar[Any]

    # Derived from the above.
    kind: ClassVar[str]
    types: ClassVar[TypeRegistry[Any]]
    Order: ClassVar[type[serializers.Serializer[Any]]]
    Status: ClassVar[type[JobStatus]]
    Detail: ClassVar[type[serializers.Serializer[Any]]]
    Page: ClassVar[type[serializers.Serializer[Any]]]
    Type: ClassVar[type[serializers.Serializer[Any]]]
    Types: ClassVar[type[serializers.Serializer[Any]]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.types, cls.Order = cls.ordering.types, cls.ordering.Order
        cls.kind = cls.types.kind
        name = cls.kind.capitalize()
        defaults = {"unknown_type": (400, f"unknown-{cls.kind}-type"), "failed": (409, f"{cls.kind}-failed")}
        for member in defaults.keys() - vars(cls).keys():
            setattr(cls, member, defaults[member])
        cls.Status = type(f"{name}Status", (cls.StatusBase,), {"kind": cls.kind, "__doc__": JobStatus.__doc__})
        if "Ended" not in vars(cls):
            cls.Ended = cls.Status
        cls.Detail = type(name, (cls.Status, cls.Ordered, Detail), {"__doc__": Detail.__doc__})
        cls.Page = page_of(cls.Detail, name=f"{name}Page")
        cls.Type, cls.Types = types_of(cls.kind, cls.TypeBase)

    def retry(self, job: Job, *, owner: AbstractBaseUser) -> None:
        """dead → queued. Raises NotRetryableError, TransitionError and AdmissionError."""
        try:
            self.ordering.reopen_order(job.payload, owner)
        except UnknownTypeError:
            refusal = f"This {self.kind} type no longer exists, or you may no longer order it."
        except SecretUnreadableError:
            refusal = "Its secret parameters can no longer be decrypted. Order it again."
        except serializers.ValidationError:
            refusal = f"Its parameters are no longer valid. Order a new {self.kind} with other parameters."
        else:
            return retry_dead_job(job, owner=owner)
        raise NotRetryableError(refusal)

    def ordered(self, job: Job) -> dict[str, Any]:
        """The parameters, with `***` for each secret."""
        return {"parameters": self.ordering.shown_parameters(job.payload)}

    def status_body(self, job: Job, known: Estimate, *, in_list: bool = False) -> dict[str, Any]:
        """The status of a job that comes from `JobQuerySet.with_result`.

        A list leaves out members that need a query for each job: the position in the queue, and the reason for a
        postponement.
        """
        artifact = job.result_artifact
        word = status_word(job, artifact)
        body: dict[str, Any] = {"id": str(job.pk), f"{self.kind}Type": job.type, "status": word}
        if not has_ended(job):
            body |= progress_members(job, known) | {"cancelURL": reverse(f"api-{self.kind}", args=[job.pk])}
            if not in_list:
                body |= queue_members(known) | postponement_members(job)
        elif job.state == State.SUCCEEDED:
            if word == "Complete":
                body[f"{self.kind}URL"] = get_kind(self.kind).url_of_result(job)
            body |= result_members(job, artifact)
        elif job.state == State.DEAD:
            body |= failure_members(job)
        else:
            body |= {"createdAt": job.created_at, "completedAt": job.finished_at}
        return body

    def answer_when_ended(self, job: Job) -> tuple[str, Any]:
        """The 200 to an order that has waited for the end of its job (`Prefer: wait`): its `Content-Location` and body.

        A kind whose results are JSON may answer with the result of a job that has succeeded.
        """
        return reverse(f"{self.kind}-status", args=[job.pk]), self.status_body(job, Estimate())

    def detail_body(self, job: Job, known: Estimate, *, in_list: bool = False) -> dict[str, Any]:
        """The status, the order and, except in a list, the timeline."""
        shown = {
            **self.status_body(job, known, in_list=in_list),
            **self.ordered(job),
            "statusURL": reverse(f"{self.kind}-status", args=[job.pk]),
        }
        return shown if in_list else {**shown, "timeline": timeline(job)}

    def type_body(self, one: JobType) -> dict[str, Any]:
        """A type, with the JSON Schema of its parameters."""
        return {
            "identifier": one.identifier,
            "title": str(one.title),
            "description": str(one.description),
            "parameters": serializer_schema(one.Parameters()),
            "url": reverse(f"api-{self.kind}-type", args=[one.identifier]),
        }

    @property
    def words(self) -> Mapping[str, str]:
        """The kind's name in the texts of operations and pages."""
        a_noun = f"{'an' if self.kind[0] in 'aeiou' else 'a'} {self.kind}"
        return {"noun": self.kind, "a_noun": a_noun, "A_noun": a_noun.capitalize(), "nouns": f"{self.kind}s"}
