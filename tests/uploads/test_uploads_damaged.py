"""A large file, of which one row in a hundred has each mistake: counted, found, mended, and the table as if clean.

What is expected comes from arithmetic over the numbers of rows and from the csv module. `UPLOAD_LINES` is the size.
"""

import csv
import io
import os
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from examples.sales.models import OrderLine
from examples.sales.seeding import seed_sales
from jobs.models import Artifact, Job
from jobs.states import State
from tests.support.csv_records import records_of, written
from tests.support.uploads import file_of, report, upload

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(0), pytest.mark.django_db(transaction=True)]

LINES = int(os.environ.get("UPLOAD_LINES", "20000"))
EVERY = 100
#: So many lines of each group are in the status.
FIRST = 5
Cells = dict[str, str]
Damage = Callable[[Cells], dict[str, str]]
#: Code, column of the error, and what is changed to cause it, in cells.
IN_CELLS: list[tuple[str, str, Damage]] = [
    ("missing-value", "quantity", lambda cells: {"quantity": ""}),
    ("type-error", "unit_price", lambda cells: {"unit_price": "a dozen"}),
    ("type-error", "quantity", lambda cells: {"quantity": "1_000"}),
    ("out-of-range", "quantity", lambda cells: {"quantity": "0", "amount": "0.00"}),
    ("out-of-range", "discount_percent", lambda cells: {"discount_percent": "101", "amount": _negative(cells)}),
    ("too-many-decimals", "unit_price", lambda cells: {"unit_price": "1.234"}),
    ("unknown-lookup", "sku", lambda cells: {"sku": "no such SKU"}),
    ("unknown-lookup", "order_id", lambda cells: {"order_id": "999999999"}),
    ("unknown-lookup", "customer_code", lambda cells: {"customer_code": "nobody"}),
    ("check-failed", "amount", lambda cells: {"amount": f"{cells['amount']}1"[-9:].replace(".", "", 1) + ".01"}),
    ("spreadsheet-damage", "amount", lambda cells: {"amount": "#N/A"}),
    ("missing-key", "line_id", lambda cells: {"line_id": ""}),
]
#: Code, and what is changed in the line as it is written.
IN_LINES: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("stray-quote", lambda line: line.replace(b",", b'5" ,', 1)),
    ("missing-cells", lambda line: line.split(b",", 1)[1]),
    ("extra-cells", lambda line: b"0," + line),
    ("nul-byte", lambda line: line.replace(b",", b"\0,", 1)),
    ("invalid-bytes", lambda line: line.replace(b",", b"\xff,", 1)),
]
BLANK = len(IN_CELLS) + len(IN_LINES)
TWICE = BLANK + 1


def _negative(cells: Cells) -> str:
    """The amount at a discount of 101 %, rounded half up: the check of the amount holds then."""
    cents = int(cells["quantity"]) * int(cells["unit_price"].replace(".", ""))
    rounded = (cents + 50) // 100
    return f"-{rounded // 100}.{rounded % 100:02}"


class Damaged:
    """The damaged file, and what must be said about it."""

    def __init__(self, clean: bytes) -> None:
        records = records_of(clean)
        heading, self.headings = next(records)
        pieces, line = [heading], 2
        self.expected: dict[tuple[str, str | None], list[int]] = {}
        self.originals: dict[int, list[str]] = {}
        self.blank = self.total = 0
        before: list[str] = []
        for number, (raw, cells) in enumerate(records):
            kind = number % EVERY
            self.total += 1
            if kind == BLANK:
                pieces.append(b"\n")
                line += 1
                self.blank += 1
                self.total += 1
            bad = self._damage(kind, raw, cells, before, line)
            if bad is not raw:
                self.originals[line] = cells
            pieces.append(bad)
            line += bad.count(b"\n")
            before = cells
            if kind == TWICE - 1:
                self.line_before = line - bad.count(b"\n")
        self.data = b"".join(pieces)

    def _damage(self, kind: int, raw: bytes, cells: list[str], before: list[str], line: int) -> bytes:
        if kind < len(IN_CELLS):
            code, column, change = IN_CELLS[kind]
            named = dict(zip(self.headings, cells, strict=True))
            self._expect(code, column, line)
            return written([*(named | change(named)).values()])
        if kind < BLANK:
            code, damage = IN_LINES[kind - len(IN_CELLS)]
            self._expect(code, None, line)
            return damage(raw)
        if kind == TWICE:
            self._expect("duplicate-in-file", "line_id", self.line_before)
            self._expect("duplicate-in-file", "line_id", line)
            self.originals[self.line_before] = before
            return written([before[0], *cells[1:]])
        return raw

    def _expect(self, code: str, column: str | None, line: int) -> None:
        self.expected.setdefault((code, column), []).append(line)


def shown(job: Job) -> dict[str, Any]:
    assert job.result is not None, job.error_message
    return dict(job.result["upload"])


def test_all_mistakes_are_counted_found_and_mended(owner: User) -> None:
    for _ in seed_sales(lines=LINES, using="default"):
        pass
    clean = report(owner, "order-lines", spreadsheetSafe=False)
    damaged = Damaged(clean)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE sales_order_line")

    job = upload(owner, "order-lines", damaged.data, mode="partial", csv={"encoding": "utf-8", "delimiter": ","})
    assert job.state == State.SUCCEEDED, job.error_message
    summary, failed = shown(job), len(damaged.originals)
    assert (summary["rowsTotal"], summary["rowsInserted"], summary["rowsFailed"], summary["rowsBlank"]) == (
        damaged.total,
        damaged.total - failed - damaged.blank,
        failed,
        damaged.blank,
    )
    groups = {
        (group["code"], group["column"]): (group["count"], group["firstLines"]) for group in summary["errorGroups"]
    }
    assert groups == {key: (len(lines), lines[:FIRST]) for key, lines in damaged.expected.items()}

    errors = file_of(job, Artifact.Role.ERRORS)
    rows = csv.reader(io.StringIO(errors.decode(errors="replace"), newline=""), strict=True)
    headings = next(rows)
    assert headings == [*damaged.headings, "_line", "_errors"]
    mended, lines = [written(headings)], []
    for row in rows:
        line = int(row[-2])
        lines.append(line)
        mended.append(written([*damaged.originals[line], *row[-2:]]))
    assert lines == sorted(damaged.originals)

    again = upload(owner, "order-lines", b"".join(mended), corrects=str(job.pk))
    assert (again.state, shown(again)["rowsInserted"]) == (State.SUCCEEDED, failed), again.result
    assert OrderLine.objects.count() == LINES
    assert report(owner, "order-lines", spreadsheetSafe=False) == clean
