"""One remedy for each failure of a job: what its owner can do about it, in the words of pages and mails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db.models import TextChoices
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from jobs.models import Job

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


class Action(TextChoices):
    """What a remedy's button does. As a text, it is the label of the button."""

    TRY_AGAIN = "try-again", _("Try again")
    CHANGE_PARAMETERS = "change-parameters", _("Change the parameters")
    CHANGE_FORMAT = "change-format", _("Choose another file format")
    CHANGE_FILE = "change-file", _("Upload another file")

    def __str__(self) -> str:
        return str(self.label)


class Helps(TextChoices):
    """What helps after a failure. As a text, it is a sentence."""

    WAITING = "waiting", _("Trying again later can help.")
    CHANGING = "changing", _("Trying again as it is will not help. A change will.")
    ASKING = "asking", _("Neither waiting nor a change will help.")
    NOTHING = "nothing", _("Nothing needs to be done.")

    def __str__(self) -> str:
        return str(self.label)


@dataclass(frozen=True)
class Remedy:
    """A sentence or two, and the action of the button below; None if only somebody else can help."""

    advice: _StrOrPromise
    action: Action | None
    helps: Helps

    def for_job(self, job: Job) -> ShownRemedy:
        """As the page of this job shows it."""
        return ShownRemedy(str(self.advice), self.action, self._url(job), self.helps)

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
    helps: Helps

    @property
    def is_post(self) -> bool:
        """Whether the button sends a form."""
        return self.action is Action.TRY_AGAIN

    @property
    def needs_somebody(self) -> bool:
        """Whether the owner can do nothing alone."""
        return self.helps is Helps.ASKING


ASK: Final = Remedy(
    _("Ask your administrator to find the cause. Once it has been removed, try again."), Action.TRY_AGAIN, Helps.ASKING
)
WAIT: Final = Remedy(
    _("Wait a few minutes, then try again. If it fails again, ask your administrator."),
    Action.TRY_AGAIN,
    Helps.WAITING,
)
CHANGE: Final = Remedy(_("Change the parameters and order again."), Action.CHANGE_PARAMETERS, Helps.CHANGING)
LESS: Final = Remedy(_("Ask for less, such as a shorter period."), Action.CHANGE_PARAMETERS, Helps.CHANGING)

#: If the owner may no longer order the job's type.
UNKNOWN_TYPE: Final = Remedy(
    _("This type no longer exists, or you may no longer use it. Ask your administrator if you still need it."),
    None,
    Helps.ASKING,
)

#: Code of the failure → remedy. For any other code, the failure says whether trying again may help.
REMEDIES: Final = {
    "database-error": WAIT,
    "file-lost": Remedy(
        _("Try again. If it fails again, ask your administrator to check the storage."),
        Action.TRY_AGAIN,
        Helps.WAITING,
    ),
    "internal-error": ASK,
    "invalid-parameters": Remedy(
        _("Check the parameters: the rules for them have changed since you placed the order."),
        Action.CHANGE_PARAMETERS,
        Helps.CHANGING,
    ),
    "out-of-memory": LESS,
    "query-refused": ASK,
    "retryable-error": WAIT,
    "secret-unreadable": Remedy(
        _("Order again, and enter the secret parameters again."), Action.CHANGE_PARAMETERS, Helps.CHANGING
    ),
    "stalled": Remedy(
        _("Try again when the database is less busy, or ask for less, such as a shorter period."),
        Action.CHANGE_PARAMETERS,
        Helps.CHANGING,
    ),
    "storage-full": Remedy(
        _("Ask your administrator to make room for files. Once there is room, try again."),
        Action.TRY_AGAIN,
        Helps.ASKING,
    ),
    "time-limit": LESS,
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
