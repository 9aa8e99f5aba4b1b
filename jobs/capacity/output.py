"""A plan as plain text for a terminal, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from jobs.capacity.history import History
from jobs.capacity.limits import MIB, Demand, first_to_break
from jobs.capacity.plan import Plan
from jobs.durations import in_words

#: Width of the column that names a resource.
RESOURCE_WIDTH: Final = 36


def as_text(plan: Plan, *, subject: str, notes: list[str]) -> str:
    """The plan for an operator; `subject` names the queue, and the type if one was asked for."""
    demand = plan.demand
    within = f"within {in_words(demand.target_wait)}" if demand.target_wait else "at once"
    target = f"{demand.percentile:g} % must start {within}"
    lines = [
        f"{subject}: {_rate(demand.arrivals_per_minute)} arrivals a minute, {target}",
        "",
        *_history_lines(plan.history, demand),
        "",
        f"Load: {demand.traffic.erlangs:,.2f} erlangs, the average number of busy workers",
        f"Workers needed: {plan.workers}, enough for up to {_rate(plan.borne_per_minute)} arrivals a minute",
        *_breaks_first(plan),
        "",
        *_outlook_lines(plan),
        "",
        *_limit_lines(plan),
        *(f"Note: {note}" for note in notes),
    ]
    return "\n".join(lines)


def as_json(plan: Plan, *, notes: list[str]) -> dict[str, Any]:
    """The plan for programs: null is an unknown value or an endless wait. Times are in seconds."""
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
            f"  attempts   {history.attempts:,}, of which {history.succeeded:,} succeeded; "
            f"{history.attempts_per_job:.2f} for each job; the longest took {in_words(history.longest_seconds)}"
        )
        yield (
            f"  a job      has {history.rows_per_job:,.0f} rows, "
            f"and leaves {history.stored_bytes_per_job / MIB:,.2f} MiB of files"
        )
        if history.mean_memory_bytes and history.peak_memory_bytes:
            mean, peak = history.mean_memory_bytes / MIB, history.peak_memory_bytes / MIB
            yield f"  a worker   uses {mean:,.0f} MiB of memory at an attempt's peak on average, {peak:,.0f} at most"
    yield (
        f"Service: {in_words(traffic.service_seconds)} on average, squared coefficient of variation "
        f"{traffic.service_cv2:.2f}; of arrivals {traffic.arrival_cv2:.2f}"
    )


def _outlook_lines(plan: Plan) -> Iterator[str]:
    share = f"{plan.demand.percentile:g} %"
    yield f"  workers    busy    mean wait    {share} start within    {share} find waiting"
    for outlook in plan.outlooks:
        mark = ">" if outlook.workers == plan.workers else " "
        cells = "too few: the queue grows without end"
        if not math.isinf(outlook.mean_wait):
            within, waiting = in_words(outlook.wait_percentile), f"{outlook.waiting_percentile:,.0f} or fewer"
            width = len(share) + 14
            cells = f"{in_words(outlook.mean_wait):>10}   {within:>{width}}   {waiting:>{width}}"
        yield f"{mark} {outlook.workers:7}   {100 * outlook.busy:3.0f} %   {cells}"


def _limit_lines(plan: Plan) -> Iterator[str]:
    asked = plan.demand.arrivals_per_minute
    yield "What breaks first, given as many workers as the arrivals need (! not enough for this load):"
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
        remark = "BREAKS FIRST: " if limit is first else "" if limit.breaks else "not a hard limit: "
        yield f"{'':17}{remark}{limit.reckoning}"


def _rate(per_minute: float) -> str:
    return f"{per_minute:,.0f}" if per_minute >= 100 else f"{per_minute:.3g}"


def _camel(values: dict[str, Any]) -> dict[str, Any]:
    """Keys in camelCase, as in all our JSON; infinity, which JSON lacks, as null."""
    camel = {}
    for name, value in values.items():
        first, *rest = name.split("_")
        endless = isinstance(value, float) and math.isinf(value)
        camel[first + "".join(map(str.capitalize, rest))] = None if endless else value
    return camel
