"""A plan as plain text for a terminal, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from jobs.capacity.history import History
from jobs.capacity.limits import MIB, Demand, Limit, first_to_break
from jobs.capacity.plan import Outlook, Plan
from jobs.durations import in_words

#: Width of the column that names a resource.
RESOURCE_WIDTH: Final = 36


def as_text(plan: Plan, *, subject: str, notes: list[str]) -> str:
    """What an operator reads; `subject` says of what queue, and of what type."""
    demand = plan.demand
    within = f"within {in_words(demand.target_wait)}" if demand.target_wait else "at once"
    target = f"{demand.percentile:g} % are to begin {within}"
    lines = [
        f"{subject}: {_rate(demand.arrivals_per_minute)} arrivals a minute, {target}",
        "",
        *_history_lines(plan.history, demand),
        "",
        f"Load: {demand.traffic.erlangs:,.2f} erlangs, which is how many workers are busy on average",
        f"Workers needed: {plan.workers}, which are enough for up to {_rate(plan.borne_per_minute)} arrivals a minute",
        *_breaks_first(plan),
        "",
        *_outlook_lines(plan),
        "",
        *_limit_lines(plan),
        *(f"Note: {note}" for note in notes),
    ]
    return "\n".join(lines)


def as_json(plan: Plan, *, notes: list[str]) -> dict[str, Any]:
    """The same for programs; null stands for what is not known, and for waits without end. Times are in seconds."""
    demand, traffic = plan.demand, plan.demand.traffic
    first = first_to_break(plan.limits)
    return {
        "arrivalsPerMinute": demand.arrivals_per_minute,
        "targetWaitSeconds": demand.target_wait,
        "percentile": demand.percentile,
        "serviceSeconds": traffic.service_seconds,
        "serviceCv2": traffic.service_cv2,
        "arrivalCv2": traffic.arrival_cv2,
        "attemptsPerJob": demand.attempts_per_job,
        "history": plan.history and _camel(asdict(plan.history)),
        "erlangs": traffic.erlangs,
        "workersNeeded": plan.workers,
        "arrivalsPerMinuteBorne": plan.borne_per_minute,
        "outlooks": [_camel(asdict(outlook)) for outlook in plan.outlooks],
        "breaksFirst": first and first.resource,
        "limits": [_camel(asdict(limit)) for limit in plan.limits],
        "notes": notes,
    }


def _breaks_first(plan: Plan) -> Iterator[str]:
    if (first := first_to_break(plan.limits)) is not None and first.arrivals_per_minute is not None:
        rate = first.arrivals_per_minute
        verdict = "; that is not enough" if rate < plan.demand.arrivals_per_minute else ""
        yield f"Breaks first: {first.resource}, at {_rate(rate)} arrivals a minute{verdict}"


def _history_lines(history: History | None, demand: Demand) -> Iterator[str]:
    traffic = demand.traffic
    if history is None:
        yield "History: too little to learn from"
    else:
        yield "History:"
        yield (
            f"  arrivals   {history.jobs:,} jobs in {in_words(history.observed_seconds)}: "
            f"{_rate(history.arrivals_per_minute)} a minute, "
            f"{_rate(history.busiest_hour_per_minute)} a minute in the busiest hour"
        )
        yield (
            f"  attempts   {history.attempts:,} looked at, {history.succeeded:,} succeeded; "
            f"{history.attempts_per_job:.2f} for each job; the longest took {in_words(history.longest_seconds)}"
        )
        yield (
            f"  a job      has {history.rows_per_job:,.0f} rows, "
            f"and leaves {history.stored_bytes_per_job / MIB:,.2f} MiB of files"
        )
        if history.mean_memory_bytes and history.peak_memory_bytes:
            mean, peak = history.mean_memory_bytes / MIB, history.peak_memory_bytes / MIB
            yield f"  a worker   takes {mean:,.0f} MiB of memory on average at an attempt's peak, {peak:,.0f} at most"
    yield (
        f"Service: {in_words(traffic.service_seconds)} on average, squared coefficient of variation "
        f"{traffic.service_cv2:.2f}; of arrivals {traffic.arrival_cv2:.2f}"
    )


def _outlook_lines(plan: Plan) -> Iterator[str]:
    share = f"{plan.demand.percentile:g} %"
    yield f"  workers    busy    mean wait    {share} begin within    {share} find waiting"
    for outlook in plan.outlooks:
        mark = ">" if outlook.workers == plan.workers else " "
        yield f"{mark} {outlook.workers:7}   {100 * outlook.busy:3.0f} %   {_outlook_cells(outlook, len(share))}"


def _outlook_cells(outlook: Outlook, share: int) -> str:
    if math.isinf(outlook.mean_wait):
        return "too few: the queue grows without end"
    within, waiting = in_words(outlook.wait_percentile), f"{outlook.waiting_percentile:,.0f} or fewer"
    return f"{in_words(outlook.mean_wait):>10}   {within:>{share + 14}}   {waiting:>{share + 14}}"


def _limit_lines(plan: Plan) -> Iterator[str]:
    asked = plan.demand.arrivals_per_minute
    yield "What breaks first, with as many workers as the arrivals need (! not enough for what is asked):"
    yield f"  {'arrivals/min':>12}   {'resource':{RESOURCE_WIDTH}}   what to do"
    first = first_to_break(plan.limits)
    for limit in plan.limits:
        rate = limit.arrivals_per_minute
        if rate is None or math.isinf(rate):
            word = "not known" if rate is None else "no limit"
            yield f"  {word:>12}   {limit.resource:{RESOURCE_WIDTH}}   {limit.reckoning}"
            continue
        mark = "!" if rate < asked and limit.breaks else " "
        yield f"{mark} {_rate(rate):>12}   {limit.resource:{RESOURCE_WIDTH}}   {limit.remedy}"
        yield f"{'':17}{_remark(limit, first)}{limit.reckoning}"


def _remark(limit: Limit, first: Limit | None) -> str:
    if limit is first:
        return "BREAKS FIRST: "
    return "" if limit.breaks else "a mark only: "


def _rate(per_minute: float) -> str:
    return f"{per_minute:,.0f}" if per_minute >= 100 else f"{per_minute:.3g}"


def _camel(values: dict[str, Any]) -> dict[str, Any]:
    """Keys as in all JSON of Longhaul; infinity, which JSON does not have, as null."""
    camel = {}
    for name, value in values.items():
        first, *rest = name.split("_")
        endless = isinstance(value, float) and math.isinf(value)
        camel[first + "".join(map(str.capitalize, rest))] = None if endless else value
    return camel
