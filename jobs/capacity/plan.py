"""A plan: how many workers a demand needs, how long jobs then wait, and what breaks first."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.capacity.history import History
from jobs.capacity.limits import Demand, Limit, limits_of
from jobs.capacity.queueing import mean_wait, servers_needed, wait_percentile, waiting_percentile
from jobs.capacity.resources import Resources


@dataclass(frozen=True)
class Outlook:
    """With this many workers: the share of time that they are busy, the waits in seconds, the number of waiting jobs.

    The waits and the number are infinite if the workers are too few, so that the queue grows without end.
    """

    workers: int
    busy: float
    mean_wait: float
    wait_percentile: float
    waiting_percentile: float


@dataclass(frozen=True)
class Plan:
    """The answer. `borne_per_minute`: the most arrivals with which these workers meet the target."""

    demand: Demand
    history: History | None
    workers: int
    borne_per_minute: float
    outlooks: list[Outlook]
    limits: list[Limit]


def make_plan(demand: Demand, resources: Resources, history: History | None) -> Plan:
    """A plan, with outlooks for one worker fewer, enough, and one more. Raises ValueError if the load is too large."""
    traffic, percentile = demand.traffic, demand.percentile
    workers = servers_needed(traffic, target_wait=demand.target_wait, percentile=percentile)
    outlooks = [
        Outlook(
            workers=number,
            busy=min(1.0, traffic.erlangs / number),
            mean_wait=mean_wait(traffic, number),
            wait_percentile=wait_percentile(traffic, number, percentile),
            waiting_percentile=waiting_percentile(traffic, number, percentile),
        )
        for number in (workers - 1, workers, workers + 1)
        if number > 0
    ]
    return Plan(demand, history, workers, demand.borne_by(workers), outlooks, limits_of(demand, resources, history))
