"""What `make demo ARGS=call` prints, without a stack: tests/faults/test_make_up.py runs it."""

from typing import Any

import pytest

from config.stack.demo_call import steps_line


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ({"status": "Queued"}, "  Queued"),
        ({"status": "In Progress", "stepsDone": 4, "stepsTotal": None}, "  In Progress, 4 steps"),
        ({"status": "In Progress", "stepsDone": 0, "stepsTotal": 12}, "  In Progress, 0 of 12 steps"),
    ],
)
def test_a_line_says_how_many_steps_are_done(status: dict[str, Any], line: str) -> None:
    assert steps_line(status) == line
