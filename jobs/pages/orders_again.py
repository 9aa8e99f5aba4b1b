"""An order that its user has placed already: the page that asks whether to use that job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.models import Artifact, Job
from jobs.status import status_word
from jobs.types.secret_parameters import is_secret_field

if TYPE_CHECKING:
    from django.http import QueryDict

    from jobs.types.base import JobType

#: Members of a form that are about the form, not about the order.
OF_FORM = ("csrfmiddlewaretoken", "preview", "save", "save_name", "saved")


@dataclass(frozen=True)
class FoundAgain:
    """The equal job, and the values of the form that ordered it, to send them again."""

    job: Job
    artifact: Artifact | None
    word: str
    values: list[tuple[str, str]]


def may_be_repeated(job_type: JobType, posted: QueryDict) -> bool:
    """Whether the values can be put into a page: no secret is among them."""
    parameters = [name for name in posted if name.startswith("parameters.") and posted[name]]
    return not any(is_secret_field(type(job_type), name.rpartition(".")[2]) for name in parameters)


def found_again(job: Job, posted: QueryDict) -> FoundAgain:
    """What the page shows of an equal job, which comes from `JobQuerySet.with_result`."""
    values = [(name, value) for name in posted if name not in OF_FORM for value in posted.getlist(name)]
    return FoundAgain(job, job.result_artifact, status_word(job, job.result_artifact), values)
