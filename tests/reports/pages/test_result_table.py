"""The table of the first rows: alignment, sorting, and what a cell looks like."""

import pytest

from reports.pages.result_table import LONGEST_CELL, ResultTable, shown

HEADINGS = ["Name", "Code", "Sum"]
ROWS = [["b", "007", "1.05e+01"], ["", "1", "-2"], ["A", "02", ""], ["c", "3", "9"]]


def table(**query: str) -> ResultTable:
    return ResultTable.asked(HEADINGS, ROWS, query)


def first_column(**query: str) -> list[str]:
    return [row[0][0] for row in table(**query).body]


def test_numbers_are_known_as_such_but_not_identifiers() -> None:
    assert [column.is_number for column in table().columns] == [False, False, True]
    assert [is_number for _, is_number in table().body[0]] == [False, False, True]
    assert [column.is_number for column in ResultTable(["empty"], [[""]]).columns] == [False]


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ({}, ["b", "", "A", "c"]),
        ({"sort": "1"}, ["A", "b", "c", ""]),
        ({"sort": "1", "direction": "descending"}, ["c", "b", "A", ""]),
        ({"sort": "3"}, ["", "c", "b", "A"]),
        ({"sort": "3", "direction": "descending"}, ["b", "c", "", "A"]),
        ({"sort": "4"}, ["b", "", "A", "c"]),
        ({"sort": "0"}, ["b", "", "A", "c"]),
        ({"sort": "-1"}, ["b", "", "A", "c"]),
        ({"sort": "²"}, ["b", "", "A", "c"]),
        ({"sort": "1" * 5000}, ["b", "", "A", "c"]),
        ({"sort": "1", "direction": "sideways"}, ["b", "", "A", "c"]),
    ],
)
def test_a_table_is_sorted_as_the_address_says(query: dict[str, str], order: list[str]) -> None:
    assert first_column(**query) == order


def test_a_heading_says_how_it_is_sorted_and_what_a_click_does() -> None:
    assert [(column.sorted, column.next_direction) for column in table(sort="1").columns] == [
        ("ascending", "descending"),
        ("", "ascending"),
        ("", "ascending"),
    ]
    assert table(sort="1", direction="descending").columns[0].next_direction == "ascending"


def test_long_cells_are_cut_and_control_characters_are_visible() -> None:
    assert shown("x" * LONGEST_CELL) == "x" * LONGEST_CELL
    assert shown("x" * (LONGEST_CELL + 1)) == "x" * LONGEST_CELL + "…"
    assert shown("\x00\x1b[31m\x7f\t\n") == "␀␛[31m␡\t\n"
