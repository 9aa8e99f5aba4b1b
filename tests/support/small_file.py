"""A handler that publishes a small file."""

from jobs.context import JobContext
from jobs.models import Artifact

CONTENT = b"a,b\n1,2\n"
DESCRIBED = {"filename": "x.csv", "content_type": "text/csv", "encoding": "utf-8"}


def write(context: JobContext) -> None:
    """Publish `CONTENT`, which has one row."""
    with context.open_artifact(Artifact.Role.RESULT, **DESCRIBED) as artifact:
        artifact.write(CONTENT)
        artifact.row_count = 1
    context.report_progress(1)
