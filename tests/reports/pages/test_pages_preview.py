"""The preview on the page: whose guess the number of rows is, how large the file gets, and how cells look."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from jobs.models import RecentRuns
from reports.types import SQL
from tests.support.page_text import words

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("forked")]


def preview(client: Client, **entered: str) -> Any:
    return client.post("/reports/new?type=made", {"preview": "yes", **entered})


def text_of(response: Any) -> str:
    return words(response).replace("\N{NO-BREAK SPACE}", " ")


def test_a_guess_of_the_planner_is_called_one(signed_in: Client, report_of: Callable[..., str]) -> None:
    report_of("SELECT n, n * 2 AS twice FROM generate_series(100000, 104999) AS n")
    text = text_of(preview(signed_in))
    assert "About 5,000 rows, a guess of the database. That would be about 70.0 kB, before any compression." in text
    assert "The first 20 rows, as they will appear in the file." in text


def test_the_size_is_that_in_the_encoding(signed_in: Client, report_of: Callable[..., str]) -> None:
    report_of("SELECT n FROM generate_series(100000, 104999) AS n")
    assert "about 70.0 kB" in text_of(preview(signed_in, **{"csv.encoding": "utf-16"}))


def test_a_guess_of_groups_is_not_shown(signed_in: Client, report_of: Callable[..., str]) -> None:
    name = report_of("SELECT n % 5000 AS n, count(*) FROM generate_series(1, 200000) AS n GROUP BY 1")
    text = text_of(preview(signed_in))
    assert "About" not in text
    assert "That would be" not in text
    assert "The first 20 rows, as they will appear in the file." in text
    RecentRuns.objects.create(kind="report", type=name, seconds=[1] * 3, rows=[5000] * 3, rows_expected=[None] * 3)
    assert "Usually about 5,000 rows. That would be about" in text_of(preview(signed_in))


def test_the_type_may_know_it(signed_in: Client, report_of: Callable[..., str]) -> None:
    report_of("SELECT n FROM generate_series(1, 50) AS n", estimate=lambda *_: 7777)
    assert "About 7,777 rows. That would be about" in text_of(preview(signed_in))


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (0, "The query returns no rows at the moment."),
        (1, "1 row at the moment, as it will appear in the file."),
        (3, "3 rows at the moment, as they will appear in the file."),
    ],
)
def test_rows_that_are_all_shown_are_counted(
    rows: int, text: str, signed_in: Client, report_of: Callable[..., str]
) -> None:
    report_of(SQL("SELECT n FROM generate_series(1, %s) AS n", [rows]))
    assert text in text_of(preview(signed_in))


def test_rows_that_take_too_long_are_left_out(
    signed_in: Client, report_of: Callable[..., str], settings: Settings
) -> None:
    settings.PREVIEW_TIMEOUT_SECONDS = 1
    report_of("SELECT n FROM generate_series(1, 3) AS n, pg_sleep(60)")
    text = text_of(preview(signed_in))
    assert "About 3 rows, a guess of the database. The first rows take too long to compute" in text


def test_numbers_are_right_aligned_and_long_cells_are_folded(signed_in: Client, report_of: Callable[..., str]) -> None:
    report_of("SELECT 7 AS n, 1.5::numeric AS amount, 'x' AS t, repeat('y', 81) AS long, '2026-01-02'::date AS day")
    html = preview(signed_in, **{"csv.preset": "utf-8"}).content.decode()
    for part in (
        '<th scope="col" class="number">n</th><th scope="col" class="number">amount</th><th scope="col">t</th>',
        '<td class="number">7</td><td class="number">1.5</td><td>x</td>',
        f"<td><details><summary>{'y' * 79}…</summary>{'y' * 81}</details></td><td>2026-01-02</td>",
    ):
        assert part in html


def test_a_preview_of_chosen_columns_aligns_those(signed_in: Client, report_of: Callable[..., str]) -> None:
    report_of("SELECT 7 AS n, 'x' AS t")
    chosen = {"columns_offered": "yes", "columns": ["t", "n"], "headings": ["n", "t"]}
    html = preview(signed_in, **chosen).content.decode()  # type: ignore[arg-type]
    assert '<th scope="col">t</th><th scope="col" class="number">n</th>' in html
    assert '<td>x</td><td class="number">7</td>' in html
