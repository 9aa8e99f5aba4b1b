"""The scanner names each invalid record by its place, and takes every other record as it is."""

import csv
import io
import os
import random
from collections.abc import Callable, Iterable
from typing import Any, Literal

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from tabular.scanner import LONGEST_RECORD_BYTES, Blank, Invalid, Part, Run, ScanError, scan
from tests.support.growth import growth, repeated
from tests.support.strict_csv import OpenQuoteError, StrictRecord, line_at, read_strictly

#: Pieces of which a hostile file is made.
PIECES = [",", '"', "\r", "\n", "\r\n", "a", "é", "\\.", " ", "\0", "\udce9", 'a,b\n"x\r","y"\r\n']


@pytest.mark.parametrize(
    ("text", "width", "parts"),
    [
        ("a,b\nc,d\n", 2, [Run(b"a,b\nc,d\n", 2, 1, 1, 0)]),
        ("a,b\nc,d", 2, [Run(b"a,b\n", 1, 1, 1, 0), Run(b"c,d\n", 1, 2, 2, 4, b"c,d")]),
        ("a", 1, [Run(b"a\n", 1, 1, 1, 0, b"a")]),
        ("", 1, []),
        ('"1\n2\r\n3\r4",""\r\n', 2, [Run(b'"1\n2\r\n3\r4",""\r\n', 1, 1, 1, 0)]),
        ('"a,""b"""\n', 1, [Run(b'"a,""b"""\n', 1, 1, 1, 0)]),
        ("a\rb\r", 1, [Run(b"a\r", 1, 1, 1, 0), Run(b"b\r", 1, 2, 2, 2)]),
        (",\n", 2, [Run(b",\n", 1, 1, 1, 0)]),
        # Lines without any character are no records, not even of one empty cell.
        ('\r\n""\n\r', 1, [Blank(1, 1, 0, b"\r\n"), Run(b'""\r\n', 1, 2, 2, 2, b'""\n'), Blank(3, 3, 5, b"\r")]),
        # All runs have the line end of the first record, but not within quotation marks.
        ('a\r\n"1\n"\n\r', 1, [Run(b'a\r\n"1\n"\r\n', 2, 1, 1, 0, b'a\r\n"1\n"\n'), Blank(3, 4, 8, b"\r")]),
        ('5" pipe,1\na,b\n', 2, [Invalid(1, 1, 1, 0, b'5" pipe,1\n', "stray-quote"), Run(b"a,b\n", 1, 2, 2, 10)]),
        ('"a\n"b,1\r\na,b\r\n', 2, [Invalid(1, 1, 2, 0, b'"a\n"b,1\r\n', "stray-quote"), Run(b"a,b\r\n", 1, 2, 3, 9)]),
        ('"x" \n\n', 2, [Invalid(1, 1, 1, 0, b'"x" \n', "stray-quote", ("missing-cells",)), Blank(2, 2, 5)]),
        ("a\nb,c,d", 2, [Invalid(1, 1, 1, 0, b"a\n", "missing-cells"), Invalid(2, 2, 2, 2, b"b,c,d", "extra-cells")]),
        ('"a,b","c\n,"\n', 1, [Invalid(1, 1, 2, 0, b'"a,b","c\n,"\n', "extra-cells")]),
        ("a\0,b\n", 2, [Invalid(1, 1, 1, 0, b"a\0,b\n", "nul-byte")]),
        ("é\n\udce9\n", 1, [Run(b"\xc3\xa9\n", 1, 1, 1, 0), Invalid(2, 2, 2, 3, b"\xe9\n", "invalid-bytes")]),
        ("\udce9\né\n", 1, [Invalid(1, 1, 1, 0, b"\xe9\n", "invalid-bytes"), Run(b"\xc3\xa9\n", 1, 2, 2, 2)]),
        ("\\.\n\"\\.\"\n", 1, [Run(b'\\.\n"\\."\n', 2, 1, 1, 0)]),
    ],
)  # fmt: skip
def test_each_part_has_its_place_and_its_code(text: str, width: int, parts: list[Part]) -> None:
    data = text.encode(errors="surrogateescape")
    assert list(scan([data], delimiter=",", width=width)) == parts


def test_the_end_marker_is_refused_where_postgresql_would_end_the_data() -> None:
    data = b'a\n\\.\n\\.a\n"\n\\.\n"\n"\\."\n\\.'
    [first, marker, between, last] = scan([data], delimiter=",", width=1, refuse_end_marker=True)
    assert (first, marker) == (Run(b"a\n", 1, 1, 1, 0), Invalid(2, 2, 2, 2, b"\\.\n", "end-of-data-marker"))
    # PostgreSQL looks only at the beginning of a record, so quotation marks protect it.
    assert between == Run(b'\\.a\n"\n\\.\n"\n"\\."\n', 3, 3, 3, 5)
    assert last == Invalid(6, 8, 8, 21, b"\\.", "end-of-data-marker")
    [wide] = scan([b"\\.\r\n"], delimiter=",", width=2, refuse_end_marker=True)
    assert wide == Invalid(1, 1, 1, 0, b"\\.\r\n", "end-of-data-marker", ("missing-cells",))


def test_positions_begin_behind_the_heading() -> None:
    parts = scan([b"a\n\nb,c\n"], delimiter=";", width=1, line=3, byte=10)
    assert list(parts) == [Run(b"a\n", 1, 1, 3, 10), Blank(2, 4, 12), Run(b"b,c\n", 1, 3, 5, 13)]


def test_the_scan_says_which_line_ends_it_has_seen() -> None:
    scanned = scan([b'\r"\n"\r'], delimiter=",", width=1)
    assert len(list(scanned)) == 2
    assert (scanned.line_end, scanned.line_ends) == (b"\r", {b"\r"})
    scanned = scan([b"a\r", b"\nb,\nc"], delimiter=",", width=1)
    assert [part.raw for part in scanned] == [b"a\r\n", b"b,\n", b"c"]
    assert (scanned.line_end, scanned.line_ends) == (b"\r\n", {b"\n", b"\r\n"})


@pytest.mark.parametrize(
    ("delimiter", "width"), [("", 1), (",,", 1), ('"', 1), ("\n", 1), ("\0", 1), ("，", 1), (",", 0)]
)
def test_an_impossible_dialect_is_refused(delimiter: str, width: int) -> None:
    with pytest.raises(ValueError, match=r"delimiter|cell"):
        scan([], delimiter=delimiter, width=width)


@pytest.mark.parametrize("delimiter", list(",;\t| ^]-\\."))
def test_any_ascii_character_delimits(delimiter: str) -> None:
    data = f'a{delimiter}"{delimiter}"\nb\n'.encode()
    assert [type(part) for part in scan([data], delimiter=delimiter, width=2)] == [Run, Invalid]


LONGEST = b'"' + b"x" * (LONGEST_RECORD_BYTES - 3) + b'"\n'


@pytest.mark.parametrize(
    ("data", "code", "line", "byte"),
    [
        (b'a\n5" b\n"c","d\n', "unterminated-quote", 3, 11),
        (b'a\n"' + b"\n" * LONGEST_RECORD_BYTES + b'"\n', "unterminated-quote", 2, 2),
        (b'a\n"b\n",' + b"x" * LONGEST_RECORD_BYTES + b"\n", "record-too-long", 2, 2),
        (b'a\n"b\n"c,"' + b"x\n" * LONGEST_RECORD_BYTES, "unterminated-quote", 3, 8),
        (LONGEST.replace(b'"\n', b'"\r\n'), "record-too-long", 1, 0),
        (b"a\n" + LONGEST[:-2], "unterminated-quote", 2, 2),
        (b"a\n" + b"x" * (LONGEST_RECORD_BYTES + 1), "record-too-long", 2, 2),
    ],
)
def test_a_file_that_cannot_be_split_is_refused_by_its_place(data: bytes, code: str, line: int, byte: int) -> None:
    with pytest.raises(ScanError) as caught:
        list(scan([data], delimiter=",", width=1))
    assert (caught.value.code, caught.value.line, caught.value.byte) == (code, line, byte)


def test_the_longest_record_is_read_wherever_it_begins() -> None:
    for before in (b"", b"a\n" * 1000, b"a\n" * 200_000):
        for last in (LONGEST, LONGEST + b"a\n" * 1000, LONGEST[:-1], b"x" * LONGEST_RECORD_BYTES):
            assert b"".join(part.raw for part in scan([before, last], delimiter=",", width=1)) == before + last


def test_a_record_that_does_not_end_is_not_read_to_the_end_of_the_file() -> None:
    read = 0

    def blocks() -> Iterable[bytes]:
        nonlocal read
        for _ in range(100):
            read += 65_536
            yield b"x" * 65_536

    with pytest.raises(ScanError):
        list(scan(blocks(), delimiter=",", width=1))
    assert read <= 2 * LONGEST_RECORD_BYTES


@st.composite
def hostile_files(draw: st.DrawFn) -> tuple[bytes, int, list[bytes], int]:
    """A file, the width of its records, the file in blocks, and the size of the scanner's blocks."""
    text = "".join(draw(st.lists(st.sampled_from(PIECES), max_size=30)))
    data = text.encode(errors="surrogateescape")
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=4)))
    blocks = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    return data, draw(st.integers(1, 3)), blocks, draw(st.sampled_from([1, 2, 5, 1000]))


@given(hostile_files())
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_read_as_a_strict_reader_reads_them(file: tuple[bytes, int, list[bytes], int]) -> None:
    compare(*file)


@pytest.mark.fuzz
@given(hostile_files())
@settings(max_examples=int(os.environ.get("FUZZ_EXAMPLES", "1000")) * 100, deadline=None)
def test_any_bytes_for_long(file: tuple[bytes, int, list[bytes], int]) -> None:
    compare(*file)


def compare(data: bytes, width: int, blocks: list[bytes], block_bytes: int) -> None:
    """The scanner, over `blocks`, says the same as the reader that goes byte by byte; `csv` reads its runs so, too."""
    scanned = scan(blocks, delimiter=",", width=width, block_bytes=block_bytes)
    parts: list[Part] = []
    refused, opened = None, None
    try:
        parts.extend(scanned)
    except ScanError as error:
        refused = (error.code, error.byte, error.line)
    try:
        records = read_strictly(data, width=width)
    except OpenQuoteError as error:
        opened = error.args[0]
        records = read_strictly(data, width=width, until=sum(len(part.raw) for part in parts))
    assert refused == (None if opened is None else ("unterminated-quote", opened, line_at(data, opened)))
    if not refused:
        assert b"".join(part.raw for part in parts) == data
    at = 0
    for part in parts:
        covered = records[at : at + (part.records if isinstance(part, Run) else 1)]
        at += len(covered)
        assert (part.record, part.line, part.byte) == (covered[0].number, covered[0].line, covered[0].byte)
        assert part.raw == b"".join(record.raw for record in covered)
        if isinstance(part, Run):
            assert rows_of(part) == [[cell or "" for cell in record.cells or ()] for record in covered]
            assert len(covered) == part.records
            assert all(record.raw.endswith(scanned.line_end) for record in read_strictly(part.data, width=width))
        elif isinstance(part, Invalid):
            assert (part.end_line, tuple(sorted((part.code, *part.also)))) == (covered[0].end_line, covered[0].codes)
        else:
            assert covered[0].cells == ()
    assert at == len(records)


def rows_of(run: Run) -> list[list[str]]:
    """A run's records, read by the standard library."""
    return list(csv.reader(io.StringIO(run.data.decode(), newline=""), strict=True))


naughty = st.text(st.sampled_from("='\",\n\r\\. \u3000é表🚚\ufeff\u2028\x1c0"))


@given(st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(naughty, min_size=width, max_size=width), min_size=1)))
@settings(max_examples=50, deadline=None)
def test_what_the_csv_module_writes_comes_back(rows: list[list[str]]) -> None:
    for line_end in ("\r\n", "\n", "\r"):
        file = io.StringIO(newline="")
        quoting: Literal[0, 1] = csv.QUOTE_MINIMAL if line_end == "\r\n" else csv.QUOTE_ALL
        csv.writer(file, lineterminator=line_end, quoting=quoting).writerows(rows)
        scanned = scan([file.getvalue().encode()], delimiter=",", width=len(rows[0]), block_bytes=7)
        read = [row for part in scanned for row in rows_of(run(part))]
        assert read == rows
        assert scanned.line_ends == {line_end.encode()}


def run(part: Part) -> Run:
    assert isinstance(part, Run)
    return part


@pytest.mark.django_db
def test_copy_reads_the_runs_as_a_strict_reader_does() -> None:
    chance = random.Random(20)
    seen: set[bytes] = set()
    connection.ensure_connection()
    refuses = connection.connection.info.server_version < 180000  # takes a line `\.` for the end of the data
    for _ in range(300):
        width = chance.randint(1, 2)
        data = "".join(chance.choices(PIECES, k=20)).encode(errors="surrogateescape")
        records: list[StrictRecord] = []
        try:
            records = read_strictly(data, width=width)
        except OpenQuoteError as error:
            data = data[: error.args[0]]  # up to the quotation mark that never closes
            records = read_strictly(data, width=width)
        parts = scan([data], delimiter=",", width=width, refuse_end_marker=refuses, block_bytes=16)
        runs = [part.data for part in parts if isinstance(part, Run)]
        markers = {rb"\."} if refuses else set()
        assert copied(runs, width) == [
            record.cells for record in records if record.cells and record.raw.rstrip(b"\r\n") not in markers
        ]
        seen.update(runs)
    assert len(seen) > 100


def copied(runs: list[bytes], width: int) -> list[Any]:
    """The rows of a table after one COPY of all runs."""
    names = sql.SQL(", ").join(sql.Identifier(f"c{number}") for number in range(width))
    columns = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(f"c{number}")) for number in range(width))
    connection.ensure_connection()
    with connection.connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE TEMP TABLE staging (record bigint GENERATED ALWAYS AS IDENTITY, {})").format(columns)
        )
        with cursor.copy(sql.SQL("COPY staging ({}) FROM STDIN (FORMAT csv, ENCODING 'UTF8')").format(names)) as copy:
            for each in runs:
                copy.write(each)
        rows = cursor.execute(sql.SQL("SELECT {} FROM staging ORDER BY record").format(names)).fetchall()
        cursor.execute("DROP TABLE staging")
        return list(rows)


@pytest.mark.parametrize(
    "make",
    [
        repeated('"'),
        repeated('"""\n'),
        repeated("\n"),
        repeated("\r"),
        repeated('a,5"\n'),
        repeated("é,é\n\udce9,é\n"),
        repeated("a,b\na,b\r\n"),
        repeated('"a\r\n",b\n'),
        repeated("x", before='"'),
    ],
)
def test_the_time_grows_linearly(make: Callable[[int], str]) -> None:
    def scanned(text: str) -> None:
        try:
            for _ in scan([text.encode(errors="surrogateescape")], delimiter=",", width=2):
                pass
        except ScanError:
            pass

    assert growth(scanned, make, to=256_000) == ""
