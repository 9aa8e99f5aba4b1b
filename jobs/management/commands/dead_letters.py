"""`manage.py dead_letters list|show|ask|requeue|discard`: handle dead-lettered jobs in a terminal."""

from __future__ import annotations

import getpass
import json
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count, Max, Min, QuerySet

from jobs.interventions.batches import Intervention, batches
from jobs.interventions.dead_letter import discard_jobs
from jobs.interventions.inquiries import submit_cost_inquiry
from jobs.interventions.requeue_checks import LABELS, RequeueChecks, requeue_checked_jobs
from jobs.models import Job
from jobs.payloads.masked import masked_payload
from jobs.states import UNFINISHED, State

FILTERS = {"kind": "kind", "queue": "queue", "fingerprint": "error_fingerprint", "error": "error_class__iendswith"}


class Command(BaseCommand):
    """A thin shell over `jobs.interventions`. Exits with 1 if a job was refused."""

    help = "List, show, requeue or discard dead-lettered jobs, or ask what they would cost."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="list dead jobs, newest first, or failure groups")
        listing.add_argument("--limit", type=int, default=50, help="maximum number of lines (50)")
        listing.add_argument("--groups", action="store_true", help="print one line per failure group")
        add_filters(listing)
        show = actions.add_parser("show", help="show one job: verdict, payload, attempts, timeline")
        show.add_argument("id", type=UUID)
        show.add_argument("--traceback", action="store_true", help="include the traceback of the last attempt")
        ask = actions.add_parser("ask", help="have a worker estimate what jobs would cost; `show` prints the answer")
        ask.add_argument("id", type=UUID, nargs="+")
        requeue, discard = "requeue jobs with their full number of attempts", "cancel jobs for good"
        for name, text in (("requeue", requeue), ("discard", discard)):
            change = actions.add_parser(name, help=text)
            change.add_argument("id", type=UUID, nargs="*", help="job IDs; or use --all")
            change.add_argument("--all", action="store_true", help="all dead jobs that match the filters")
            change.add_argument("--reason", required=True, help="kept in the timeline of each job")
            change.add_argument("--actor", default=getpass.getuser(), help="your name (the user of this shell)")
            change.add_argument("--dry-run", action="store_true", help="only count the jobs")
            add_filters(change)

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        match action:
            case "list" if options["groups"]:
                self.list_groups(dead_jobs(options), options["limit"])
            case "list":
                self.list_jobs(dead_jobs(options), options["limit"])
            case "show":
                self.show(options["id"], with_traceback=options["traceback"])
            case "ask":
                self.ask(options["id"])
            case "requeue":
                self.change(requeue_checked_jobs, "requeued", options)
            case "discard":
                self.change(discard_jobs, "discarded", options)

    def list_jobs(self, dead: QuerySet[Job], limit: int) -> None:
        """Print one line per job, with its verdict."""
        jobs = list(dead.select_related("owner").order_by("-id")[:limit])
        verdicts = RequeueChecks().check_all(jobs)
        for job in jobs:
            owner = job.owner.get_username() if job.owner else "-"
            first_line = job.error_message.splitlines()[0] if job.error_message else ""
            line = f"{job.pk}  {job.finished_at:%Y-%m-%d %H:%M:%S}  {job.kind}  {job.queue}  {owner}"
            self.stdout.write(
                f"{line}  [{verdicts[job.pk].label}]  {job.error_fingerprint}  {job.error_class}: {first_line[:100]}"
            )
        self.stdout.write(f"{dead.count()} dead")

    def list_groups(self, dead: QuerySet[Job], limit: int) -> None:
        """Print one line per failure group, largest first."""
        groups = dead.values("error_fingerprint", "kind", "error_class").annotate(
            jobs=Count("pk"), first=Min("finished_at"), last=Max("finished_at"), example=Max("error_message")
        )
        for group in groups.order_by("-jobs")[:limit]:
            first_line = group["example"].splitlines()[0] if group["example"] else ""
            self.stdout.write(
                f"{group['error_fingerprint']}  {group['jobs']}  {group['first']:%Y-%m-%d %H:%M} to "
                f"{group['last']:%Y-%m-%d %H:%M}  {group['kind']}  {group['error_class']}: {first_line[:100]}"
            )

    def show(self, job_id: UUID, *, with_traceback: bool) -> None:
        """Print all that is known about one job. Raises CommandError if there is no such job."""
        try:
            job = Job.objects.select_related("owner").get(pk=job_id)
        except Job.DoesNotExist:
            raise CommandError(f"there is no job {job_id}") from None
        attempts = list(job.attempts.order_by("number"))
        owner = job.owner.get_username() if job.owner else "-"
        self.stdout.write(f"{job.pk}  {job.kind}  {job.queue}  {owner}  {job.state}")
        self.stdout.write(f"error: {job.error_class}: {job.error_message}  ({job.error_fingerprint})")
        if job.state in UNFINISHED:
            verdict = RequeueChecks().check(job)
            self.stdout.write(f"verdict on requeueing: {verdict.label}")
            for finding in verdict.findings:
                self.stdout.write(f"  {LABELS[finding.level]}: {finding.text}")
        self.stdout.write(f"payload: {json.dumps(masked_payload(job), indent=2, ensure_ascii=False)}")
        self.stdout.write("attempts:")
        for attempt in attempts:
            self.stdout.write(
                f"  {attempt.number}  {attempt.started_at:%Y-%m-%d %H:%M:%S}  {attempt.outcome or 'running'}  "
                f"{attempt.duration or '-'}  {attempt.worker}  {attempt.error_class}: {attempt.error_message}"
            )
        self.stdout.write("timeline:")
        for event in job.events.all():
            self.stdout.write(
                f"  {event.at:%Y-%m-%d %H:%M:%S}  {event.name}  {event.actor}  {json.dumps(event.details)}"
            )
        if with_traceback and attempts:
            self.stdout.write(attempts[-1].traceback)

    def ask(self, ids: list[UUID]) -> None:
        """Submit an inquiry about each job. Raises CommandError if a job does not exist or is not dead or failed."""
        jobs = list(Job.objects.filter(pk__in=ids, state__in=UNFINISHED))
        if missing := set(ids) - {job.pk for job in jobs}:
            raise CommandError(f"no dead or failed jobs: {', '.join(map(str, sorted(missing)))}")
        for job in jobs:
            submit_cost_inquiry(job, actor=None)
        self.stdout.write(f"jobs asked about: {len(jobs)}")

    def change(self, act: Callable[..., Intervention], done: str, options: dict[str, Any]) -> None:
        """Requeue or discard. If jobs are refused, the others are changed before CommandError is raised."""
        if bool(options["id"]) == options["all"]:
            raise CommandError("give either job IDs or --all (with filters)")
        dead = dead_jobs(options)
        ids = options["id"] or dead.order_by("id").values_list("pk", flat=True).iterator(chunk_size=500)
        if options["dry_run"]:
            jobs = dead.filter(pk__in=options["id"]) if options["id"] else dead
            self.dry_run(jobs, is_requeue=act is requeue_checked_jobs)
            return
        try:
            outcome = act(ids, actor=options["actor"], reason=options["reason"])
        except ValueError as error:
            raise CommandError(f"--reason: {error}") from None
        self.stdout.write(f"{len(outcome.changed)} {done}")
        for job_id, why in outcome.refused.items():
            self.stderr.write(f"{job_id} was not {done}: {why}")
        if outcome.refused:
            raise CommandError(f"{len(outcome.refused)} refused")

    def dry_run(self, jobs: QuerySet[Job], *, is_requeue: bool) -> None:
        """Print how many jobs match and, for a requeue, how many have each verdict."""
        ids = list(jobs.order_by("pk").values_list("pk", flat=True))
        self.stdout.write(f"{len(ids)} match")
        if not is_requeue:
            return
        checks, labels = RequeueChecks(), Counter[str]()
        for batch in batches(ids):
            verdicts = checks.check_all(list(Job.objects.filter(pk__in=batch).select_related("owner")))
            labels.update(verdict.label for verdict in verdicts.values())
        for label in LABELS.values():
            if labels[label]:
                self.stdout.write(f"{labels[label]} {label}")


def add_filters(parser: ArgumentParser) -> None:
    """Add the options that select dead jobs."""
    parser.add_argument("--kind")
    parser.add_argument("--queue")
    parser.add_argument("--fingerprint", help="fingerprint of the failure, as printed by `list`")
    parser.add_argument("--error", help="name of the error class, or the end of it")


def dead_jobs(options: dict[str, Any]) -> QuerySet[Job]:
    """The dead jobs that match the options."""
    wanted = {lookup: options[name] for name, lookup in FILTERS.items() if options.get(name)}
    return Job.objects.filter(state=State.DEAD, **wanted)
