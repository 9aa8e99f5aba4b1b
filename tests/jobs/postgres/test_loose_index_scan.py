"""Distinct values by hopping through an index."""

import pytest
from django.db import connection

from jobs.postgres.loose_index_scan import loose_index_scan

pytestmark = pytest.mark.django_db


def rows(text: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE shelf (room int, owner int, kind text) ON COMMIT DROP")
        cursor.execute("INSERT INTO shelf VALUES (1, 2, 'a'), (1, 2, 'a'), (1, 7, 'b'), (2, NULL, 'c'), (3, 1, 'd')")
        cursor.execute(f"WITH RECURSIVE {text} SELECT * FROM found LIMIT 9")  # noqa: S608  (a wrong one never ends)
        return list(cursor.fetchall())


def test_each_value_is_found_once_in_order() -> None:
    assert rows(loose_index_scan("found", key=["room"], source="shelf")) == [(1,), (2,), (3,)]


def test_columns_beside_the_key_and_a_condition() -> None:
    text = loose_index_scan("found", key=["room"], also=["kind"], source="shelf", where="kind > 'a'")
    assert rows(text) == [(1, "b"), (2, "c"), (3, "d")]


def test_a_condition_with_or_counts_as_a_whole() -> None:
    text = loose_index_scan("found", key=["room"], source="shelf", where="kind = 'a' OR kind = 'd'")
    assert rows(text) == [(1,), (3,)]


def test_a_key_of_two_columns_goes_on_behind_a_null() -> None:
    assert rows(loose_index_scan("found", key=["room", "owner"], source="shelf")) == [(1, 2), (1, 7), (2, None), (3, 1)]


def test_nothing_is_found_in_an_empty_table() -> None:
    assert rows(loose_index_scan("found", key=["room"], source="shelf", where="false")) == []
