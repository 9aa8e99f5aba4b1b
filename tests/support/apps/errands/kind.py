"""The kind `errand`: its types, its order, and how a job of it is run."""

from typing import Any

from rest_framework import serializers

from jobs.context import JobContext
from jobs.kinds import Kind, Scopes
from jobs.models import Artifact
from jobs.types.base import JobType
from jobs.types.inspector import TypedInspector
from jobs.types.ordering import Ordering
from jobs.types.registry import TypeRegistry

TYPES = TypeRegistry("errand", JobType)


@TYPES.register
class Greeting(JobType):
    identifier = "greeting"
    title = "Greeting"

    class Parameters(serializers.Serializer[Any]):
        name = serializers.CharField(max_length=50)


class ErrandOrdering(Ordering[JobType]):
    types = TYPES


ORDERING = ErrandOrdering()


def run_errand(context: JobContext) -> None:
    _, parameters = ORDERING.reopen_order(context.job.payload, context.job.owner)  # type: ignore[arg-type]
    with context.open_artifact(
        Artifact.Role.RESULT, filename="e.csv", content_type="text/csv", encoding="utf-8"
    ) as file:
        file.write(f"Hello, {parameters['name']}!\n".encode())


ERRAND = Kind(
    name="errand",
    queue="reports",
    handler=run_errand,
    inspector=TypedInspector(ORDERING),
    scopes=Scopes("errands:read", "errands:order", read_allows="see errands", write_allows="order errands"),
    result_url="errand-download",
)
