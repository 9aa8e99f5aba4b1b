"""A cell that is larger than MAX_CELL_BYTES is refused before the worker receives it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psutil
import pytest

from jobs.models import Attempt
from jobs.states import State
from tests.support.results import Finished

MEGABYTE = 1024 * 1024


@pytest.mark.parametrize("safe", [True, False])
@pytest.mark.parametrize(
    ("expression", "size"),
    [
        ("repeat('x', 1001)", 1001),
        ("repeat('ü', 600)", 1200),
        ("repeat('=', 1001)", 1001),
        ("to_jsonb(repeat('x', 999))", 1001),
        ("convert_to(repeat('x', 501), 'UTF8')", 1004),
        ("array_fill(1, ARRAY[501])", 1003),
    ],
)
def test_it_fails_for_good_and_names_the_column(
    expression: str,
    size: int,
    safe: bool,
    report_of: Callable[..., str],
    run_order: Callable[..., Finished],
    settings: Any,
    stored: Callable[[], set[str]],
) -> None:
    settings.MAX_CELL_BYTES = 1000
    query = f"SELECT i, CASE WHEN i = 3 THEN {expression} END AS note FROM generate_series(1, 3) i"  # noqa: S608
    finished = run_order(report_of(query, columns={"note": "Notes"}), spreadsheetSafe=safe)
    assert finished.job.state == State.DEAD
    assert finished.error == (
        "cell-too-large",
        f"The column Notes contains a cell of {size:,} bytes; at most 1,000 bytes are allowed.",
    )
    assert stored() == set()


@pytest.mark.parametrize("safe", [True, False])
def test_cells_up_to_the_limit_are_exported_as_they_are(
    safe: bool, report_of: Callable[..., str], run_order: Callable[..., Finished], settings: Any
) -> None:
    settings.MAX_CELL_BYTES = 1000
    query = "SELECT repeat('x', 1000) AS a, NULL::text AS b, '' AS c, 12::numeric AS d, '\\x01'::bytea AS e"
    expected = f'a,b,c,d,e\n{"x" * 1000},,"",12,\\x01\n'
    assert run_order(report_of(query), spreadsheetSafe=safe).content == expected.encode()


def test_a_type_that_loses_blanks_as_text_keeps_them(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    assert run_order(report_of("SELECT 'a'::char(3) AS a"), spreadsheetSafe=False).content == b"a\na  \n"


@pytest.mark.slow
def test_memory_stays_flat(report_of: Callable[..., str], run_order: Callable[..., Finished]) -> None:
    made = report_of("SELECT repeat('x', 200000000) AS note")
    before = psutil.Process().memory_info().rss
    finished = run_order(made)
    assert finished.error[0] == "cell-too-large"
    peak = Attempt.objects.get().peak_memory_bytes
    assert peak is not None
    assert peak - before < 64 * MEGABYTE
