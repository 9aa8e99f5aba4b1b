"""Export: the encodings, delimiters and cells that an order may ask for."""

import csv
import gzip
import hashlib
import io
from collections.abc import Callable

import pytest
from django.utils import timezone

from jobs.states import State
from reports.types import SQL
from tests.support.results import Finished


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", "a\n髙①\n".encode()),
        ("utf-8-sig", "a\n髙①\n".encode("utf-8-sig")),
        ("cp932", "a\n髙①\n".encode("cp932")),
        ("utf-16", "a\n髙①\n".encode("utf-16")),
    ],
)
def test_encodings(
    encoding: str, expected: bytes, report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    assert run_order(report_of("SELECT '髙①' AS a"), encoding=encoding).content == expected


@pytest.mark.parametrize(("encoding", "text"), [("shift_jis", "高橋"), ("euc_jp", "高橋"), ("latin-1", "Müller")])
def test_older_encodings(
    encoding: str, text: str, report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    assert run_order(report_of(f"SELECT '{text}' AS a"), encoding=encoding).content == f"a\n{text}\n".encode(encoding)


def test_the_byte_order_mark_stands_once_in_a_file_of_many_chunks(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    finished = run_order(report_of("SELECT repeat('x', 999) AS a FROM generate_series(1, 1000)"), encoding="utf-16")
    assert finished.content is not None
    assert finished.content == ("a\n" + ("x" * 999 + "\n") * 1000).encode("utf-16")


def test_a_character_that_the_encoding_lacks_fails_for_good_with_row_and_column(
    report_of: Callable[..., str], run_order: Callable[..., Finished], stored: Callable[[], set[str]]
) -> None:
    query = """SELECT i AS number, CASE i WHEN 90001 THEN 'b"ad, 🚚' ELSE 'fine' END AS note, E'two\\nlines' AS more
               FROM generate_series(1, 100000) i ORDER BY i"""
    finished = run_order(report_of(query), encoding="cp932")
    assert (finished.job.state, finished.content) == (State.DEAD, None)
    assert finished.error == (
        "unencodable-character",
        "Row 90001, column note: the encoding cp932 lacks the character '🚚' (U+1F69A).",
    )
    assert stored() == set()


def test_a_character_in_a_very_long_cell_is_found(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    finished = run_order(report_of("SELECT repeat('x', 300000) || '🚚' AS a"), encoding="cp932")
    assert finished.error[1].startswith("Row 1, column a: the encoding cp932 lacks the character '🚚' (U+1F69A).")


def test_a_heading_that_the_encoding_lacks_is_named(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    finished = run_order(report_of("SELECT 1 AS a, 2 AS b", columns={"b": "🚚"}), encoding="latin-1")
    assert finished.error[1].startswith("Heading 🚚: the encoding latin-1 lacks the character '🚚' (U+1F69A).")


def test_a_character_that_the_encoding_lacks_is_replaced_where_the_order_says_so(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    finished = run_order(report_of("SELECT 'to 🚚 go' AS a"), encoding="cp932", errors="replace")
    assert finished.content == b"a\nto ? go\n"


def test_gzip(report_of: Callable[..., str], run_order: Callable[..., Finished]) -> None:
    finished = run_order(report_of("SELECT i AS a FROM generate_series(1, 100000) i ORDER BY i"), compression="gzip")
    assert finished.content is not None
    assert gzip.decompress(finished.content).decode() == "a\n" + "".join(f"{i}\n" for i in range(1, 100001))
    artifact = finished.job.result_artifact
    assert artifact is not None
    assert (artifact.filename, artifact.content_type) == (f"made-{timezone.localdate()}.csv.gz", "application/gzip")
    assert artifact.sha256 == hashlib.sha256(finished.content).hexdigest()


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_delimiters(delimiter: str, report_of: Callable[..., str], run_order: Callable[..., Finished]) -> None:
    finished = run_order(report_of(f"SELECT 'a{delimiter}b' AS x, 2 AS y"), delimiter=delimiter)
    assert finished.content == f'x{delimiter}y\n"a{delimiter}b"{delimiter}2\n'.encode()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_text_that_a_spreadsheet_would_run_is_defused(
    start: str, report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    made = report_of(lambda parameters: SQL("SELECT %s::text AS a, -1 AS b, 'x=1'::text AS c", [f"{start}1+1"]))
    finished = run_order(made)
    assert finished.content is not None
    rows = list(csv.reader(io.StringIO(finished.content.decode(), newline="")))
    assert rows == [["a", "b", "c"], [f"'{start}1+1", "-1", "x=1"]]


def test_only_text_is_defused(report_of: Callable[..., str], run_order: Callable[..., Finished]) -> None:
    query = """SELECT -1.5::numeric AS n, '-1 day'::interval AS i, '-infinity'::date AS d, true AS b,
                      NULL::text AS t, '-1'::jsonb AS j, '-7'::varchar AS v"""
    assert run_order(report_of(query)).content == b"n,i,d,b,t,j,v\n-1.5,-1 days,-infinity,t,,'-1,'-7\n"


def test_spreadsheet_safety_can_be_switched_off(
    report_of: Callable[..., str], run_order: Callable[..., Finished]
) -> None:
    assert run_order(report_of("SELECT '=1+1' AS a"), spreadsheetSafe=False).content == b"a\n=1+1\n"
