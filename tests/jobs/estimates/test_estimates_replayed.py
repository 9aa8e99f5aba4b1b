"""How true the estimates are: 200 mixed jobs, replayed. `-s` prints the figures, which docs/api.md quotes."""

import random
from collections import defaultdict
from collections.abc import Callable
from statistics import median
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from jobs.api.status import seconds_remaining
from jobs.estimates.estimate import estimate
from jobs.inspection import Inspector
from jobs.kinds import Kind, register_kind
from jobs.models import Job, Queue
from jobs.states import State
from tests.support.replay import Order, Replay, Sort, draw_orders
from tests.support.simulated_time import simulated_time

pytestmark = pytest.mark.django_db

SORTS = [
    Sort("short", share=0.30, mean=8),
    Sort("daily", share=0.25, mean=40),
    Sort("sorted", share=0.15, mean=60, before_rows=0.5),
    Sort("misjudged", share=0.12, mean=50, expectation_off=0.2),
    Sort("silent", share=0.10, mean=25, rate=0),
    Sort("wild", share=0.08, mean=80, spread=1.5),
]
MEASURED = 200
#: They come first, find no history, and are not counted.
WARM_UP = 40
WORKERS = 4
SHARES = (0.25, 0.5, 0.75)
#: Of all sorts together.
ALL = "all"


class ByPayload(Inspector):
    """The type stands in the payload."""

    def type_of(self, payload: dict[str, Any]) -> str:
        return str(payload["type"])


def questions_about(orders: list[Order]) -> dict[tuple[float, int], list[tuple[str, float]]]:
    """When to ask about which of them, and for which shares of which ways."""
    questions = defaultdict(list)
    for number, order in enumerate(orders):
        for share in SHARES:
            for way, begin in (("from the order", order.at), ("of the run", order.began)):
                questions[begin + share * (order.ended - begin), number].append((way, share))
    return questions


@pytest.mark.slow
def test_half_of_the_estimates_are_off_by_less_than_a_quarter(owner: User, kind_of: Callable[..., str]) -> None:
    """At each quarter of the way, from the order and of the run alone; 4 workers, 4 owners, bursts of orders.

    Most jobs wait, and how long is part of what is estimated from the order on.
    """
    register_kind(Kind("replayed", "reports", lambda context: None, inspector=ByPayload()))
    Queue.objects.filter(name="reports").update(max_running=WORKERS)
    owners = [owner, *(User.objects.create_user(f"user{number}") for number in range(3))]
    orders = draw_orders(random.Random(7), SORTS, jobs=WARM_UP + MEASURED, owners=len(owners), gap=11)
    measured = orders[WARM_UP:]
    replay = Replay(orders, owners, "replayed", WORKERS)
    errors: dict[tuple[str, float, str], list[float]] = defaultdict(list)

    def tell(way: str, share: float, order: Order, told: float | None, truth: float) -> None:
        for sort in (ALL, order.run.sort.name):
            if told is not None:
                errors[way, share, sort].append(abs(told - truth) / truth)

    with simulated_time():
        with transaction.atomic():  # once to know when each begins and ends, which no question changes
            replay.go()
            transaction.set_rollback(True)
        questions = questions_about(measured)
        number_of = {id(order): number for number, order in enumerate(measured)}

        def ask(order: Order, job: Job, at: float) -> None:
            known = estimate(job)
            for way, share in questions[at, number_of[id(order)]]:
                tell(way, share, order, seconds_remaining(known), order.ended - at)
                if job.state == State.QUEUED:
                    tell("the wait, from the order", share, order, known.wait, order.began - at)

        replay.go([(at, measured[number]) for at, number in questions], ask)

    print_figures(errors)
    assert sum(order.began > order.at for order in measured) > MEASURED * 0.8
    for way in ("from the order", "of the run"):
        for share in SHARES:
            assert len(errors[way, share, ALL]) >= MEASURED * 0.95, "who is told nothing is not told the truth"
            assert median(errors[way, share, ALL]) < 0.25
    assert all(median(errors["the wait, from the order", share, ALL]) < 0.25 for share in SHARES)


def print_figures(errors: dict[tuple[str, float, str], list[float]]) -> None:
    """One line for each way and share: the median error in percent, and of how many estimates."""
    for way, share in dict.fromkeys((way, share) for way, share, _ in sorted(errors)):
        of_each = {sort.name: errors[way, share, sort.name] for sort in SORTS}
        figures = {ALL: errors[way, share, ALL], **of_each}
        told = ", ".join(f"{name} {median(found):.0%} of {len(found)}" for name, found in figures.items() if found)
        print(f"{share:.0%} {way}: {told}")  # noqa: T201  (with -s, for docs)
