"""Ask for a callback: with an order, or once for all orders of a user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobs.models import Job
from jobs.statements import run
from jobs.webhooks.models import Callback, CallbackSettings

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

#: Prepared, as each order that says nothing asks this.
DEFAULT_URL: Final = "SELECT url FROM jobs_callbacksettings WHERE owner_id = %(owner)s::bigint"


def default_url(owner: AbstractBaseUser) -> str | None:
    """Where this user's orders call back that say nothing themselves; None: nowhere."""
    return next((row["url"] or None for row in run(DEFAULT_URL, owner=owner.pk)), None)


def set_default_url(owner: AbstractBaseUser, url: str | None) -> None:
    """`url` is a canonical one. Orders that were accepted before keep theirs."""
    CallbackSettings.objects.update_or_create(owner_id=owner.pk, defaults={"url": url or ""})


def ask_for_callback(job: Job, *, url: str) -> None:
    """Tell the end of a job to `url`, a canonical one. Called in the transaction that submits the job."""
    Callback.objects.create(job=job, url=url)
    Job.objects.filter(pk=job.pk).update(calls_back=True)
    job.calls_back = True
