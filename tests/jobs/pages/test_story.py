"""What has happened to a job, as sentences."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.models import Event
from jobs.pages.story import UNTOLD, Story, tell_events

BEGINNING = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def story(*events: tuple[float, str, dict[str, Any]]) -> Story:
    return tell_events(
        [
            Event(at=BEGINNING + timedelta(seconds=at), name=name, actor=details.pop("actor", ""), details=details)
            for at, name, details in events
        ],
        owner="ada",
    )


def sentences(*events: tuple[float, str, dict[str, Any]]) -> list[str]:
    return [step.sentence for step in story(*events).steps]


def test_an_ordinary_one() -> None:
    told = story((0, "submitted", {"actor": "ada"}), (3, "started", {"attempt": 1}), (15, "completed", {"rows": 1234}))
    assert [(step.at, step.sentence) for step in told.steps] == [
        (BEGINNING, "You placed the order."),
        (BEGINNING + timedelta(seconds=3), "It started after a wait of 3 s."),
        (BEGINNING + timedelta(seconds=15), "It was finished after 12 s, with 1,234 rows."),
    ]
    assert told.summary == "Waited 3 s, ran 12 s."


def test_one_that_needed_two_attempts() -> None:
    told = story(
        (0, "submitted", {}), (1, "started", {"attempt": 1}), (5, "failed", {"attempt": 1, "retryInSeconds": 9.6}),
        (15, "retried", {}), (17, "started", {"attempt": 2}), (20, "completed", {"rows": 1}),
    )  # fmt: skip
    assert [step.sentence for step in told.steps] == [
        "You placed the order.",
        "It started after a wait of 1 s.",
        "The attempt failed after 4 s. The next attempt was planned 10 s later.",
        "Attempt 2 started after a wait of 12 s.",
        "It was finished after 3 s, with 1 row.",
    ]
    assert told.summary == "Waited 13 s in all, ran 3 s on attempt 2."


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("permanent", "It was not tried again, because another attempt would fail in the same way."),
        ("attempts-used-up", "It was not tried again, because all attempts were used up."),
        ("worker-lost", "It was not tried again, because several attempts in a row ended their worker."),
        ("new", "It was not tried again."),
    ],
)
def test_one_that_was_given_up(reason: str, sentence: str) -> None:
    assert sentences((0, "started", {"attempt": 1}), (2, "rescued", {}), (2, "dead_lettered", {"reason": reason})) == [
        "It started after a wait of less than 1 s.",
        "The attempt was lost after 2 s: its worker ended, or made no progress.",
        sentence,
    ]


@pytest.mark.parametrize(
    ("name", "actor", "sentence"),
    [
        ("cancel_requested", "ada", "You asked to cancel it."),
        ("cancel_requested", "root", "An administrator asked to cancel it."),
        ("cancelled", "ada", "It was canceled."),
        ("cancelled", "", "It was canceled."),
        ("cancelled", "root", "An administrator canceled it."),
        ("requeued", "ada", "You tried it again."),
        ("requeued", "root", "An administrator queued it again."),
        ("requeue_undone", "root", "An administrator took the last step back."),
        ("edited", "root", "An administrator changed the order."),
        ("expired", "", "The file expired and was deleted."),
        ("handed_back", "", "Its worker was shut down, so it went back to the queue. This used up no attempt."),
    ],
)
def test_who_did_it_but_not_by_name(name: str, actor: str, sentence: str) -> None:
    assert sentences((0, name, {"actor": actor, "reason": "secret"})) == [sentence]


def test_a_postponed_one_says_why() -> None:
    facts = {"public": "The replica is behind.", "reason": "secret", "seconds": 30}
    assert sentences((0, "postponed", facts)) == ["The replica is behind. It was put off for 30 s."]
    assert sentences((0, "postponed", {"seconds": 30})) == ["It was put off for 30 s."]


def test_downloads_one_after_the_other_are_one_sentence() -> None:
    told = story((0, "downloaded", {}), (5, "downloaded", {}), (9, "downloaded", {}))
    assert [(step.at, step.sentence) for step in told.steps] == [
        (BEGINNING + timedelta(seconds=9), "The file was downloaded 3 times, last at this time.")
    ]


def test_one_that_was_queued_again_forgets_what_it_summed_up() -> None:
    told = story((0, "completed", {}), (1, "requeued", {}), (4, "started", {"attempt": 1}), (6, "completed", {}))
    assert told.summary == "Waited 3 s, ran 2 s."
    assert told.steps[-1].sentence == "It was finished after 2 s."


@pytest.mark.parametrize("name", sorted(set(Event.Name.values) - set(UNTOLD) - {"retried"}))
def test_each_event_has_a_sentence(name: str) -> None:
    assert sentences((0, name, {})) != []
