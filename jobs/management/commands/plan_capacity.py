"""`manage.py plan_capacity`: how many workers a queue needs for a load, and which resource runs out first."""

from __future__ import annotations

import json
import math
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs.capacity.history import History, TooLittleHistoryError, read_history, types_of
from jobs.capacity.limits import Demand
from jobs.capacity.output import as_json, as_text
from jobs.capacity.plan import make_plan
from jobs.capacity.queueing import Traffic
from jobs.capacity.resources import OTHER_SESSIONS, read_resources
from jobs.models import Queue


class Command(BaseCommand):
    """A thin shell over `jobs.capacity`."""

    help = "Show how many workers (processes of their pools) a load needs, and which resource runs out first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--queue", required=True)
        parser.add_argument("--type", help="plan only for jobs of this type, such as one report type")
        parser.add_argument("--arrivals-per-minute", type=above_0, required=True, help="orders per minute")
        parser.add_argument("--target-wait", type=at_least_0, required=True, help="maximum wait of a job, in seconds")
        parser.add_argument("--percentile", type=percentile, default=95.0, help="percentage of jobs that meet it (95)")
        parser.add_argument("--days", type=above_0, default=7.0, help="days of history to read (7)")
        parser.add_argument("--service-seconds", type=above_0, help="mean duration of an attempt (history)")
        variation = "its squared coefficient of variation; 0: constant, 1: exponential (history)"
        parser.add_argument("--service-cv2", type=at_least_0, help=variation)
        parser.add_argument("--arrival-cv2", type=at_least_0, default=1.0, help="that of arrivals (1: Poisson)")
        sessions = f"PostgreSQL sessions of web servers and other workers ({OTHER_SESSIONS}, as in `make up`)"
        parser.add_argument("--other-sessions", type=whole_number, default=OTHER_SESSIONS, help=sessions)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, queue: str, **options: Any) -> None:
        row = Queue.objects.filter(name=queue).first()
        if row is None:
            known = ", ".join(Queue.objects.values_list("name", flat=True))
            raise CommandError(f"there is no queue {queue}; the queues are: {known}")
        types = chosen_types(queue, options["type"])
        history = history_if_enough(queue, types, options)
        demand = demand_of(history, options)
        resources = read_resources(
            row,
            of=types[0] if options["type"] else None,
            reads_database=history is None or history.reads_database,
            other_sessions=options["other_sessions"],
        )
        try:
            plan = make_plan(demand, resources, history)
        except ValueError as error:
            raise CommandError(str(error)) from None
        notes = list(notes_of(row, options))
        if options["json"]:
            answer = {"queue": queue, "type": options["type"], **as_json(plan, notes=notes)}
            self.stdout.write(json.dumps(answer, indent=2))
            return
        subject = f"Queue {queue}" + (f", type {options['type']}" if options["type"] else "")
        self.stdout.write(as_text(plan, subject=subject, notes=notes))


def chosen_types(queue: str, type_: str | None) -> list[tuple[str, str]]:
    """Kinds and types of the queue's jobs, or only those of the type `type_`. CommandError: there is no such type."""
    types = types_of(queue)
    chosen = [pair for pair in types if type_ in (None, pair[1])]
    if type_ is not None and not chosen:
        known = ", ".join(sorted({name for _, name in types if name})) or "none"
        raise CommandError(f"the queue {queue} has no jobs of type {type_}; its types are: {known}")
    return chosen


def history_if_enough(queue: str, types: list[tuple[str, str]], options: dict[str, Any]) -> History | None:
    """The history; None if it is too short. Raises CommandError if it is needed: the service time was not given."""
    try:
        return read_history(queue, types, days=options["days"])
    except TooLittleHistoryError as error:
        if options["service_seconds"] is None:
            raise CommandError(f"too little history: {error}. Give --service-seconds (and --service-cv2).") from None
        return None


def demand_of(history: History | None, options: dict[str, Any]) -> Demand:
    """The load and the target: from the options, or else from the history."""
    seconds, cv2 = options["service_seconds"], options["service_cv2"]
    if history is not None:
        cv2 = history.service_cv2 if cv2 is None else cv2
        seconds = seconds or history.service_seconds
    attempts_per_job = history.attempts_per_job if history else 1.0
    traffic = Traffic(
        arrivals_per_second=options["arrivals_per_minute"] / 60 * attempts_per_job,
        service_seconds=seconds,
        service_cv2=1.0 if cv2 is None else cv2,
        arrival_cv2=options["arrival_cv2"],
    )
    return Demand(traffic, attempts_per_job, options["target_wait"], options["percentile"])


def notes_of(queue: Queue, options: dict[str, Any]) -> Iterator[str]:
    """Circumstances that the figures do not include."""
    if queue.paused:
        yield "the queue is paused"
    if not queue.accepting:
        yield "the queue does not accept new jobs"
    if options["type"]:
        yield "other types in the queue need additional workers"
    if queue.max_running_per_owner is not None:
        yield f"each owner has at most {queue.max_running_per_owner} places (max_running_per_owner) and may wait longer"


def above_0(text: str) -> float:
    """For argparse: a number above 0."""
    if (value := at_least_0(text)) == 0:
        raise ArgumentTypeError(f"{text} is not above 0")
    return value


def at_least_0(text: str) -> float:
    """For argparse: a number, 0 or more."""
    try:
        value = float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is not a number") from None
    if not (math.isfinite(value) and value >= 0):
        raise ArgumentTypeError(f"{text} is not 0 or more")
    return value


def whole_number(text: str) -> int:
    """For argparse: a whole number, 0 or more."""
    return int(at_least_0(text))


def percentile(text: str) -> float:
    """For argparse: a number above 0 and below 100."""
    if (value := above_0(text)) >= 100:
        raise ArgumentTypeError(f"{text} is not below 100")
    return value
