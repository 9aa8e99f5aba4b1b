"""A problem and its buttons. Each button opens an admin page that shows the cause or asks for confirmation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.contrib.admin.utils import quote
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.urls import reverse
from django.utils.http import urlencode

#: List in the admin → label of the button that leads there.
LISTS: Final = {
    "artifact": "Show the files",
    "bulkrun": "Show the bulk runs",
    "job": "Show the jobs",
    "queue": "Show the queues",
    "schedule": "Show the schedules",
    "sweep": "Show the sweeps",
    "typedials": "Show the dials of the types",
}


@dataclass(frozen=True)
class Remedy:
    """One button: its label, the name and arguments of an admin page, and the permissions required."""

    words: str
    page: str
    args: tuple[int | str, ...] = ()
    query: str = ""
    anchor: str = ""
    permissions: tuple[str, ...] = ("jobs.view_job",)

    @property
    def url(self) -> str:
        """The address of the page."""
        query = f"?{self.query}" if self.query else ""
        anchor = f"#{self.anchor}" if self.anchor else ""
        args = [quote(arg) for arg in self.args]
        return f"{reverse(f'admin:{self.page}', args=args)}{query}{anchor}"

    def is_for(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """Whether this user may open the page."""
        return isinstance(user, PermissionsMixin | AnonymousUser) and user.has_perms(self.permissions)


def show_list(page: str, query: str = "") -> Remedy:
    """A list of the admin, by the name of its page, such as `jobs_job_changelist`."""
    if page == "jobs_job_groups":
        return Remedy("Show the failure groups", page)
    app, _, model = page.removesuffix("_changelist").rpartition("_")
    words = LISTS.get(model, "Show them") if app == "jobs" else "Show them"
    return Remedy(words, page, query=query, permissions=(f"{app}.view_{model}",))


def show_jobs(**criteria: str) -> Remedy:
    """The jobs that match these criteria (`jobs.interventions.selection`)."""
    return show_list("jobs_job_changelist", urlencode(criteria))


def change_jobs(words: str, act: str, **criteria: str) -> Remedy:
    """A bulk run over the jobs that match these criteria. It asks for a reason and begins with a dry run."""
    query = urlencode({"act": act, **criteria})
    permissions = ("jobs.run_bulkrun", f"jobs.{act}_job")
    return Remedy(words, "jobs_bulkrun_order", query=query, permissions=permissions)


def resume_queue(queue: str) -> Remedy:
    """The page that asks for confirmation before it resumes a paused queue."""
    return Remedy("Resume…", "jobs_queue_resume", (queue,), permissions=("jobs.pause_queue",))


def set_dial(words: str, queue: str, dial: str) -> Remedy:
    """A dial on the page of a queue, which asks for confirmation."""
    return Remedy(words, "jobs_queue_change", (queue,), anchor=f"id_{dial}", permissions=("jobs.change_queue",))


def set_type_dial(words: str, pk: int, dial: str) -> Remedy:
    """A dial on the page of a type."""
    return Remedy(words, "jobs_typedials_change", (pk,), anchor=f"id_{dial}", permissions=("jobs.change_typedials",))


@dataclass(frozen=True)
class Trouble:
    """A current problem, in a sentence. `page` is the admin list that shows it, `query` its query string.

    `advice` says what to do if no button can help; `remedies` are further buttons.
    """

    text: str
    page: str = ""
    query: str = ""
    advice: str = ""
    remedies: tuple[Remedy, ...] = ()

    def remedies_for(self, user: AbstractBaseUser | AnonymousUser) -> list[Remedy]:
        """The buttons that this user may use, beginning with the one that shows the cause."""
        shown = (show_list(self.page, self.query),) if self.page else ()
        return [remedy for remedy in (*shown, *self.remedies) if remedy.is_for(user)]
