"""How long a job waits that was postponed, by what became of its attempts before."""

from collections.abc import Callable

import pytest

from jobs.models import Attempt, Job
from jobs.states import Outcome
from jobs.worker.postponement import LONGEST_SECONDS, SHORTEST_SECONDS, postponement

POSTPONED = (Outcome.HANDED_BACK, "It waits for the replica.")
STOPPED = (Outcome.HANDED_BACK, "")
FAILED = (Outcome.FAILED, "out of luck")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("before", "seconds"),
    [
        ([], SHORTEST_SECONDS),
        ([POSTPONED], 2 * SHORTEST_SECONDS),
        ([POSTPONED, POSTPONED], 4 * SHORTEST_SECONDS),
        ([POSTPONED] * 40, LONGEST_SECONDS),
        ([POSTPONED, FAILED], SHORTEST_SECONDS),
        ([POSTPONED, POSTPONED, STOPPED, POSTPONED], 2 * SHORTEST_SECONDS),
        ([STOPPED] * 9, SHORTEST_SECONDS),
    ],
)
def test_it_doubles_as_long_as_the_job_is_postponed_again_and_again(
    make_job: Callable[..., Job], before: list[tuple[Outcome, str]], seconds: float
) -> None:
    job = make_job()
    for number, (outcome, message) in enumerate([*before, ("", "")], start=1):
        attempt = Attempt.objects.create(
            job=job, number=number, fencing_token=number, worker="w", outcome=outcome, error_message=message
        )
    waits = [postponement(attempt).total_seconds() for _ in range(20)]
    assert 0.8 * seconds <= min(waits) < max(waits) <= seconds
