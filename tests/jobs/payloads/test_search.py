"""Terms by which a job is found."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from jobs.dispatch.submission import submit_job
from jobs.inspection import Inspector
from jobs.kinds import Kind, register_kind
from jobs.models import Job, SearchTerms
from jobs.payloads.search import LONGEST_TERM, MOST_TERMS, same_work_term, term_searched, terms_of


def test_each_value_is_a_term_alone_and_with_its_key() -> None:
    payload = {"reportType": "Yearly", "parameters": {"year": 2023, "open": True, "cities": ["Tokyo", ""], "to": None}}
    assert terms_of("report", payload)[1:] == [
        "yearly", "reporttype=yearly", "2023", "year=2023", "true", "open=true", "tokyo", "cities=tokyo",
    ]  # fmt: skip


def test_secrets_are_no_terms() -> None:
    terms = terms_of("report", {"password": "hunter2", "deep": {"pin": 4711, "a": 1}}, {"pin"})
    assert terms[1:] == ["1", "a=1"]


def test_an_empty_payload_has_no_terms() -> None:
    assert terms_of("report", {}) == []


def test_equal_work_has_an_equal_term_whatever_the_order_of_keys() -> None:
    assert same_work_term("a", {"x": 1, "y": 2}) == same_work_term("a", {"y": 2, "x": 1})
    assert len({same_work_term("a", {"x": 1}), same_work_term("b", {"x": 1}), same_work_term("a", {"x": 2})}) == 3


@pytest.mark.django_db
@pytest.mark.parametrize("number", [1e16, 1.0, -0.0, 1e300, 0.1, 12345678901234567890])
def test_work_is_equal_as_postgresql_gives_its_numbers_back(number: float) -> None:
    payload = {"rows": [{"number": number}]}
    stored = Job.objects.create(kind="a", queue="reports", payload=payload, max_attempts=1)
    stored.refresh_from_db()
    assert same_work_term("a", stored.payload) == same_work_term("a", payload)


def test_terms_that_an_earlier_version_stored_are_found(settings: Settings) -> None:
    settings.SECRET_KEY = "a key"
    assert same_work_term("report", {"year": "2023"}) == "=8f2e8beadd4e298cdfde41d3ce1df535"


def test_terms_are_bounded() -> None:
    assert len(terms_of("report", {str(number): number for number in range(1000)})) == MOST_TERMS
    assert terms_of("report", {"a": "x" * (LONGEST_TERM + 1)})[1:] == []


@pytest.mark.parametrize("text", ["Tokyo", " tokyo ", "TOKYO"])
def test_a_search_heeds_neither_case_nor_spaces(text: str) -> None:
    assert term_searched(text) == "tokyo"


class Typed(Inspector):
    def type_of(self, payload: dict[str, object]) -> str:
        return str(payload["sort"])

    def sensitive_names(self, payload: dict[str, object]) -> set[str]:
        return {"pin"}


def test_a_submitted_job_has_its_type_and_its_terms(owner: User, kind_of: Callable[..., str]) -> None:
    kind_of(lambda context: None)
    register_kind(Kind("typed", "reports", lambda context: None, inspector=Typed()))
    job = submit_job(kind="typed", owner=owner, payload={"sort": "small", "pin": 1234})
    job.refresh_from_db()
    assert job.type == "small"
    assert job.search_terms.terms == [same_work_term("typed", job.payload), "small", "sort=small"]
    submit_job(kind="test", owner=owner, payload={})
    assert (SearchTerms.objects.count(), Job.objects.filter(type="").count()) == (1, 1)
