"""One remedy for each failure of a job: what its owner can do about it, in the words of the pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from django.urls import reverse
from django.utils.http import urlencode

from jobs.models import Job


class Action(StrEnum):
    """The label of a remedy's button."""

    TRY_AGAIN = "Try again"
    CHANGE_PARAMETERS = "Change the parameters"
    CHANGE_FORMAT = "Choose another file format"


@dataclass(frozen=True)
class Remedy:
    """A sentence or two, and the action of the button below; None if only somebody else can help.

    `{noun}` stands for the kind, and `{id}` for the id of the job.
    """

    advice: str
    action: Action | None

    def for_job(self, job: Job) -> ShownRemedy:
        """As the page of this job shows it."""
        return ShownRemedy(self.advice.format(id=job.pk, noun=job.kind), self.action, self._url(job))

    def _url(self, job: Job) -> str:
        if self.action is None:
            return ""
        if self.action is Action.TRY_AGAIN:
            return reverse(f"{job.kind}-page-retry", args=[job.pk])
        form = f"{reverse(f'{job.kind}-order')}?{urlencode({'like': str(job.pk)})}"
        return f"{form}&open=format#csv.encoding" if self.action is Action.CHANGE_FORMAT else form


@dataclass(frozen=True)
class ShownRemedy:
    """A remedy as the page shows it. `url` takes a POST if the action is to try again, else a GET."""

    advice: str
    action: Action | None
    url: str

    @property
    def is_post(self) -> bool:
        """Whether the button sends a form."""
        return self.action is Action.TRY_AGAIN


ASK: Final = Remedy(
    "Ask your administrator to look at {noun} {id}. Once the cause has been removed, try again.", Action.TRY_AGAIN
)
WAIT: Final = Remedy("Wait a few minutes, then try again.", Action.TRY_AGAIN)
CHANGE: Final = Remedy("Change the parameters and order the {noun} again.", Action.CHANGE_PARAMETERS)
LESS: Final = Remedy("Ask for less, such as a shorter period.", Action.CHANGE_PARAMETERS)

#: If the owner may no longer order the job's type.
UNKNOWN_TYPE: Final = Remedy("Ask your administrator if you still need this {noun}.", None)

#: Code of the failure → remedy. For any other code, the failure says whether trying again may help.
REMEDIES: Final = {
    "database-error": WAIT,
    "internal-error": ASK,
    "invalid-parameters": Remedy(
        "Check the parameters: the rules for them have changed since you ordered the {noun}.", Action.CHANGE_PARAMETERS
    ),
    "out-of-memory": LESS,
    "retryable-error": WAIT,
    "stalled": LESS,
    "secret-unreadable": Remedy(
        "Order the {noun} again, and enter its secret parameters again.", Action.CHANGE_PARAMETERS
    ),
    "storage-full": Remedy(
        "Ask your administrator to make room for files. Once there is room, try again.", Action.TRY_AGAIN
    ),
    "time-limit": LESS,
    "unencodable-character": Remedy(
        "Choose another encoding, such as UTF-8, or have the characters that it lacks written as question marks.",
        Action.CHANGE_FORMAT,
    ),
    "unknown-kind": ASK,
    "worker-lost": ASK,
}


def remedy_of(
    job: Job, failure: dict[str, Any], *, may_order: bool, remedies: Mapping[str, Remedy] = REMEDIES
) -> ShownRemedy:
    """The remedy for this failed job. A user who may no longer order its type can only ask."""
    if not may_order:
        return UNKNOWN_TYPE.for_job(job)
    remedy = remedies.get(failure["error"]["code"]) or (WAIT if failure["retryable"] else CHANGE)
    return remedy.for_job(job)
