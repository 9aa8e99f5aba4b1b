"""Any bytes at all, uploaded, are what an independent strict reader sees in them, or a named error."""

import os
from collections import Counter
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from jobs.models import Job
from jobs.states import State
from tests.support.apps.warehouse.models import Snippet
from tests.support.strict_csv import OpenQuoteError, StrictRecord, line_at, read_strictly
from tests.support.uploads import upload
from uploads.row_codes import ROW_CODES

pytestmark = pytest.mark.django_db(transaction=True)

HEADING = b"name,text,more"
FEW = 20
MANY = int(os.environ.get("FUZZ_EXAMPLES", "1000"))
#: Pieces of which a hostile file is made.
PIECES = (
    b",", b",", b",", b";", b'"', b'""', b"\r", b"\n", b"\n", b"\r\n", b"\0", b"\\.", b"\\N", b"'", b"=1", b" ", b"\t",
    b"a", b"b", b"#", b"\xef\xbb\xbf", "é".encode(), b"\xe9", "表".encode(), "表".encode("cp932"), "😀".encode(),
    b"\xed\xa0\x80", b"\xc0\xaf", b"\xff\xfe", "x,y".encode("utf-16"), b'a,b,c\n', b'd,"e\nf","g""h"\r\n', b"i,,\n",
    b'j,"",\n', b",,\n", b"k,l\n", b'5" pipe,1,2\n', b"name,text,more\n", b"sep=;\n",
)  # fmt: skip
Row = tuple[str, str | None, str | None]

bodies = st.one_of(st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join), st.binary(max_size=60))


@pytest.fixture
def manager(owner: User) -> User:
    """May upload all types."""
    owner.is_superuser = True
    owner.save()
    return owner


def bounded(examples: int) -> settings:
    """So many examples, without a limit of time; the database is emptied by `uploaded`."""
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))


def uploaded(owner: User, data: bytes, **declared: Any) -> tuple[Job, dict[str, Any]]:
    """The job, which has ended in one of the named ways, with its sums checked, and what its status shows."""
    Snippet.objects.all().delete()
    csv = {"encoding": None, "delimiter": None, **declared}
    job = upload(owner, "snippets", data, csv=csv, mode="partial")
    shown: dict[str, Any] = (job.result or {})["upload"]
    if job.state == State.DEAD:
        code = (job.result or {})["error"]["code"]
        assert code in ROW_CODES or code == "too-many-columns", job.error_message
        assert not Snippet.objects.exists()
    else:
        assert job.state == State.SUCCEEDED, job.error_message
        counts = [shown[f"rows{name}"] for name in ("Inserted", "Updated", "Unchanged", "Failed", "Blank")]
        assert shown["rowsTotal"] == sum(counts)
        assert shown["bytesRead"] == len(data)
        assert (shown["rowsUpdated"], shown["rowsUnchanged"]) == (0, 0)
    return job, shown


def table() -> set[Row]:
    return set(Snippet.objects.values_list("name", "text", "more"))


def sorted_out(records: list[StrictRecord]) -> tuple[set[Row], dict[int, set[str]], int]:
    """The rows that belong in the table, the codes of each other record by its line, and the number of blank ones."""
    good: list[tuple[int, Row]] = []
    failed: dict[int, set[str]] = {}
    blank = 0
    for record in records:
        if record.cells is None:
            failed[record.line] = set(record.codes)
        elif not any(cell is not None for cell in record.cells):
            blank += 1
        else:
            name, text, more = record.cells
            if not name:
                failed[record.line] = {"missing-key"}
                continue
            good.append((record.line, (name, text, more)))
            if len(name) > 1 and not name.strip("#"):
                failed[record.line] = {"spreadsheet-damage"}
    names = Counter(row[0] for _, row in good)
    for line, row in good:
        if names[row[0]] > 1:
            failed.setdefault(line, set()).add("duplicate-in-file")
    return {row for line, row in good if line not in failed}, failed, blank


def check_body(owner: User, body: bytes, line_end: bytes) -> None:
    """Behind a heading, in declared UTF-8: rows, lines, codes and values are those of the strict reader."""
    assume(b"'" not in body)  # what guards a formula is removed again: tests/uploads/test_uploads_round_trip.py
    data = HEADING + line_end + body
    try:
        records: list[StrictRecord] | None = read_strictly(data, width=3)[1:]
    except OpenQuoteError as open_quote:
        records = None
        [opened] = open_quote.args
    job, shown = uploaded(owner, data, encoding="utf-8", delimiter=",")
    if records is None:
        assert (job.result or {})["error"]["code"] == "unterminated-quote", job.error_message
        assert f" opens in line {line_at(data, opened)} " in job.error_message
        return
    if not body.strip(b"\r\n"):
        assert (job.result or {})["error"]["code"] == "no-rows", job.error_message
        return
    rows, failed, blank = sorted_out(records)
    assert job.state == State.SUCCEEDED, job.error_message
    assert table() == rows
    assert (shown["rowsTotal"], shown["rowsInserted"], shown["rowsFailed"], shown["rowsBlank"]) == (
        len(records),
        len(rows),
        len(failed),
        blank,
    )
    found: dict[int, set[str]] = {}
    for error in shown.get("errorsPreview", []):
        found.setdefault(error["line"], set()).add(error["code"])
    assert found == failed


def check_any(owner: User, data: bytes) -> None:
    """Without any declaration. The reader is told what was recognized, and has to find the same rows behind it."""
    job, shown = uploaded(owner, data)
    if job.state == State.DEAD:
        return
    encoding, delimiter, headings = shown["encoding"], shown["delimiter"], shown["headings"]
    try:
        text = data.decode(encoding).removeprefix("\ufeff").encode()
    except UnicodeDecodeError:
        if encoding != "utf-8":
            return  # what a damaged file in another encoding is, only its decoder can say
        text = data.removeprefix(b"\xef\xbb\xbf")
    position = [heading.strip().casefold() for heading in headings].index("name")
    for start in starts(text):
        records = read_from(text, start, width=len(headings), delimiter=delimiter)
        if records and [cell or "" for cell in records[0].cells or ()] == headings:
            assert shown["rowsTotal"] == len(records) - 1
            valid = {record.cells[position] for record in records[1:] if record.cells}
            assert {name for name, _, _ in table()} <= valid
            return
    raise AssertionError("no line holds the headings")


def starts(text: bytes) -> list[int]:
    """Where lines begin."""
    return [0, *(at for at in range(1, len(text)) if text[at - 1] in b"\r\n" and text[at - 1 : at + 1] != b"\r\n")]


def read_from(text: bytes, start: int, *, width: int, delimiter: str) -> list[StrictRecord] | None:
    try:
        return read_strictly(text[start:], width=width, delimiter=delimiter)
    except OpenQuoteError:
        return None


@bounded(FEW)
@given(body=bodies, line_end=st.sampled_from([b"\n", b"\r\n", b"\r"]))
@example(b"#,,\n##,,\n", b"\n")
def test_the_table_is_what_a_strict_reader_sees(manager: User, body: bytes, line_end: bytes) -> None:
    check_body(manager, body, line_end)


@bounded(FEW)
@given(data=st.one_of(bodies, bodies.map(lambda body: HEADING + b"\n" + body)))
def test_any_bytes_end_as_rows_or_as_a_named_error(manager: User, data: bytes) -> None:
    check_any(manager, data)


@pytest.mark.fuzz
@pytest.mark.timeout(0)
@bounded(MANY)
@given(body=bodies, line_end=st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_the_table_is_what_a_strict_reader_sees_for_long(manager: User, body: bytes, line_end: bytes) -> None:
    check_body(manager, body, line_end)


@pytest.mark.fuzz
@pytest.mark.timeout(0)
@bounded(MANY)
@given(data=st.one_of(bodies, bodies.map(lambda body: HEADING + b"\n" + body)))
def test_any_bytes_end_as_rows_or_as_a_named_error_for_long(manager: User, data: bytes) -> None:
    check_any(manager, data)
