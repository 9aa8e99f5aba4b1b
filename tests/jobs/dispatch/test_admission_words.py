"""Why an order was refused: the sentences of the pages are those of the API, and numbers are formatted."""

import pytest

from jobs.dispatch.admission_words import admission_in_words
from jobs.errors import AdmissionError


@pytest.mark.parametrize(
    "facts", [{}, {"limit": 50}, {"scope": "type"}, {"scope": "type", "limit": 20}, {"scope": "owner", "limit": 50}]
)
def test_pages_say_what_the_api_says(facts: dict[str, object]) -> None:
    error = AdmissionError(queue="reports", type="yearly-sales", **facts)  # type: ignore[arg-type]
    assert admission_in_words(error) == str(error)


def test_one_job_is_no_jobs() -> None:
    error = AdmissionError(queue="reports", scope="owner", limit=1)
    assert admission_in_words(error) == "You have 1 job waiting in the queue reports, which is the maximum."
