"""How far an upload has come, as steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy as _

from jobs.models import Job
from jobs.states import State

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

#: Label of a step, and the phase of the status that ends it.
_STEPS: Final[tuple[tuple[_StrOrPromise, str], ...]] = (
    (_("Received"), "received"),
    (_("Recognized"), "recognized"),
    (_("Checked"), "validated"),
    (_("Planned"), "planned"),
    (_("Written"), "merged"),
)
#: Phase → steps that are done.
_DONE: Final[Mapping[str, int]] = {
    "received": 1,
    "recognized": 2,
    "staged": 2,
    "validated": 3,
    "planned": 4,
    "merged": 5,
}


@dataclass(frozen=True)
class Step:
    """One step: done, the current one, or still to come."""

    label: _StrOrPromise
    is_done: bool
    is_current: bool


def steps_of(job: Job, members: Mapping[str, Any]) -> Iterator[Step]:
    """The steps of an upload; a dry run does not write. `members` are those of the status."""
    done = _DONE.get(str(members.get("phase", "received")), 1)
    is_running = job.state == State.RUNNING
    labels = [label for label, _phase in _STEPS]
    for index, label in enumerate(labels[:-1] if job.payload["dryRun"] else labels):
        yield Step(label, index < done, is_running and index == done)
